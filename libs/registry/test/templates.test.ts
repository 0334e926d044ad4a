import type { FlowTemplate, ResourceChange } from '@millrace/model';
import { Key } from './key.js';

const save = (mode: 'create' | 'update' | 'save', source = 'a'): ResourceChange => {
  const template: Omit<FlowTemplate, 'updatedAt' | 'deleted'> = {
    tenant: 'main',
    namespace: 'team',
    id: 'etl',
    source,
    definition: { id: 'etl', namespace: 'team', tasks: [] },
  };
  return { kind: 'save-template', mode, template };
};

describe('a template', () => {
  it('is created once, then updated, and created again when it was deleted', () => {
    const key = new Key();
    expect(key.send(save('update'))).toMatchObject({ reason: 'unknown' });
    expect(key.send(save('create'))).toMatchObject({ kind: 'done', resource: { template: { deleted: false } } });
    expect(key.send(save('create'))).toMatchObject({ reason: 'exists' });
    expect(key.send(save('update', 'b'), { at: 8 })).toMatchObject({
      resource: { template: { source: 'b', updatedAt: 8 } },
    });
    expect(key.send({ kind: 'delete-template' })).toMatchObject({ resource: { template: { deleted: true } } });
    expect(key.send({ kind: 'delete-template' })).toMatchObject({ reason: 'unknown' });
    expect(key.send(save('create'))).toMatchObject({ kind: 'done' });
    expect(key.send(save('save', 'c'))).toMatchObject({ resource: { template: { source: 'c' } } });
  });
});
