// `npm run benchmark -- --backend embedded|kafka [--times 3] [--json FILE]`: the rows of docs/benchmarks.md, over REST.
import '../tests/dist/benchmark/main.js';
