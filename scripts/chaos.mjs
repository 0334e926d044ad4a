// `npm run chaos -- [--minutes 10] [--seed N] [--json FILE] [--brokers 3] [--without-index] [--outage MINUTES]`: servers are
// killed under load, and a checker reads what lies in the topics afterwards.
import '../tests/dist/cluster/chaos/main.js';
