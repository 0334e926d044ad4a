// `npm run schedules -- [--flows 50] [--seconds 120] [--kill-every 10]`: each date once, whoever is killed.
import '../tests/dist/benchmark/schedules.js';
