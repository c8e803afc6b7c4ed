const fs=require('fs');const f=fs.readdirSync('/tmp/prof/out').map(n=>'/tmp/prof/out/'+n).sort((a,b)=>fs.statSync(b).size-fs.statSync(a).size)[0];
const p=JSON.parse(fs.readFileSync(f));const self=new Map();const dt=p.timeDeltas;const byId=new Map(p.nodes.map(n=>[n.id,n]));let total=0;
p.samples.forEach((s,i)=>{const n=byId.get(s);const k=n.callFrame.functionName+' '+n.callFrame.url.split('/').pop()+':'+n.callFrame.lineNumber;self.set(k,(self.get(k)||0)+dt[i]);total+=dt[i]});
[...self].sort((a,b)=>b[1]-a[1]).slice(0,40).forEach(([k,v])=>console.log((v/total*100).toFixed(1)+'%',k));
