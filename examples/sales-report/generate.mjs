// Makes sales.csv. The same seed gives the same file, so it can be made again and compared.
import { writeFileSync } from 'node:fs';

const ROWS = 3000;

/** mulberry32: a small generator of uniform numbers in [0, 1). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const next = random(20260101);
const pick = (list) => list[Math.floor(next() * list.length)];

const countries = {
  north: ['Norway', 'Sweden', 'Finland', 'Denmark'],
  south: ['Spain', 'Italy', 'Portugal', 'Greece'],
  east: ['Poland', 'Czechia', 'Hungary', 'Romania'],
  west: ['France', 'Belgium', 'Netherlands', 'Ireland'],
};
const products = [
  ['Flour 25 kg', 'milling', 18.9],
  ['Rye flour 10 kg', 'milling', 11.4],
  ['Bran 20 kg', 'milling', 7.8],
  ['Sieve frame', 'equipment', 249],
  ['Roller bearing', 'equipment', 86.5],
  ['Grain probe', 'equipment', 129],
  ['Service visit', 'service', 340],
  ['Moisture test', 'service', 45],
];

const rows = ['order,date,region,country,product,category,units,unit_price'];
for (let order = 1; order <= ROWS; order++) {
  const region = pick(['north', 'north', 'south', 'east', 'west', 'west', 'west']);
  const [product, category, price] = pick(products);
  const day = new Date(Date.UTC(2026, 0, 1) + Math.floor(next() * 181) * 86_400_000).toISOString().slice(0, 10);
  const units = category === 'milling' ? 1 + Math.floor(next() * 60) : 1 + Math.floor(next() * 4);
  const unitPrice = (price * (0.9 + next() * 0.2)).toFixed(2);
  // As in life, some rows are of no use.
  const shownUnits = next() < 0.004 ? '' : units;
  rows.push(`A${String(order).padStart(5, '0')},${day},${region},${pick(countries[region])},${product},${category},${shownUnits},${unitPrice}`);
}
writeFileSync(new URL('sales.csv', import.meta.url), `${rows.join('\n')}\n`);
