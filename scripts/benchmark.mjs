// `npm run benchmark -- --backend embedded|kafka [--only NAME,NAME] [--times 3] [--json FILE] [--logs FOLDER]`: the rows of
// docs/benchmarks.md, over REST.
import '../tests/dist/benchmark/main.js';
