import { EndedKeys } from '../src/shell/ended-keys.js';

describe('keys that have ended', () => {
  it('are due in the order of their ends; one that ends again waits anew, one that lives again is not due', () => {
    const keys = new EndedKeys(10);
    keys.add('a', 1);
    keys.add('b', 2);
    keys.add('c', 3);
    keys.add('a', 5);
    keys.remove('c');
    expect(keys.nextAt()).toBe(12);
    expect([...keys.due(11)]).toEqual([]);
    expect([...keys.due(12)]).toEqual(['b']);
    expect([...keys.due(15)]).toEqual(['b', 'a']);
    keys.postpone(20);
    expect(keys.nextAt()).toBe(20);
  });

  it('have an order after a restore, and leave nothing', () => {
    const keys = new EndedKeys(10);
    keys.add('late', 9);
    keys.add('early', 1);
    keys.sort();
    expect([...keys.due(19)]).toEqual(['early', 'late']);
    keys.remove('late');
    keys.remove('early');
    expect(keys.size).toBe(0);
    expect(keys.nextAt()).toBeUndefined();
  });
});
