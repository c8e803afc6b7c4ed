import { relative, resolve } from 'node:path';
import { defineConfig } from 'vitepress';

const REPOSITORY = 'https://github.com/cdk-lambda-fsm/cdk-lambda-fsm';
const DOCS = resolve(import.meta.dirname, '..');

/** Makes room for lines of code with more than 100 characters. */
const WIDE_CODE = `
  :root { --vp-code-font-size: 0.8em; }
  .VPDoc.has-aside .content-container { max-width: 960px !important; }
`;

export default defineConfig({
  title: 'cdk-lambda-fsm',
  description: 'Durable finite-state-machine workflows in your own AWS account, as one CDK construct',
  lastUpdated: false,
  head: [['style', {}, WIDE_CODE]],
  markdown: {
    config: (markdown) => {
      // The pages link to sources by relative paths, which work on GitHub and in the npm package. The site has no sources.
      markdown.core.ruler.push('links-to-sources', ({ tokens, env }) => {
        const page: unknown = env.path;
        if (typeof page !== 'string') return;
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === 'link_open' ? token.attrGet('href') : null;
          if (!href?.startsWith('.')) continue;
          const file = relative(DOCS, resolve(page, '..', href));
          if (file.startsWith('..')) token.attrSet('href', `${REPOSITORY}/blob/main/${file.replace(/^(\.\.\/)+/, '')}`);
        }
      });
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/getting-started' },
      { text: 'Reference', link: '/reference/guarantees' },
      { text: 'Contributing', link: '/contributing/' },
    ],
    sidebar: [
      {
        text: 'Build',
        items: [
          { text: 'Getting started', link: '/guide/getting-started' },
          { text: 'Machines', link: '/guide/machines' },
          { text: 'Actions', link: '/guide/actions' },
          { text: 'Events and waits', link: '/guide/events' },
          { text: 'Callbacks', link: '/guide/callbacks' },
          { text: 'The client', link: '/guide/client' },
        ],
      },
      {
        text: 'Test',
        items: [
          { text: 'Testing', link: '/guide/testing' },
          { text: 'Simulation', link: '/guide/simulation' },
          { text: 'The local runner', link: '/guide/local-runner' },
        ],
      },
      {
        text: 'Deploy',
        items: [
          { text: 'Deploying', link: '/guide/deploying' },
          { text: 'Event sources', link: '/guide/event-sources' },
          { text: 'Lock stores', link: '/guide/lock-stores' },
          { text: 'Flood control', link: '/guide/flood-control' },
          { text: 'Upgrades', link: '/guide/upgrades' },
          { text: 'Changing brokers', link: '/guide/changing-brokers' },
          { text: 'Security', link: '/security' },
        ],
      },
      {
        text: 'Operate',
        items: [
          { text: 'Monitoring', link: '/guide/monitoring' },
          { text: 'Operating', link: '/guide/operating' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Guarantees', link: '/reference/guarantees' },
          { text: 'The protocol', link: '/reference/protocol' },
        ],
      },
      {
        text: 'Contributing',
        collapsed: true,
        items: [
          { text: 'Start here', link: '/contributing/' },
          { text: 'Architecture', link: '/contributing/architecture' },
          { text: 'Words', link: '/contributing/words' },
          { text: 'Add a broker', link: '/contributing/add-a-broker' },
          { text: 'Testing', link: '/contributing/testing' },
        ],
      },
    ],
  },
});
