// A CommonJS library.
const path = require('path');
const name = 'os';

module.exports = {
  directory: __dirname,
  file: path.basename(__filename),
  endOfLine: () => require(name).EOL,
};
