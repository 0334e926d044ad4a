import { wordsOf } from '../src/filtering/words.js';

it.each([
  ['Connection refused: 10.0.0.1:80', ['connection', 'refused', '10', '0', '1', '80']],
  ['Größe GRÖẞE größe', ['größe', 'grÖẞe']],
  ['a_b-c', ['a', 'b', 'c']],
  ['日本 😀', ['日本', '😀']],
  [' …', ['…']],
  ['x'.repeat(1_001), ['x'.repeat(1_000)]],
  ['', []],
])('the words of %j', (text, words) => expect(wordsOf(text)).toEqual(words));
