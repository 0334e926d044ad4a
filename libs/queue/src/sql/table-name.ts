/** The table of a topic: its name with everything that is neither letter nor digit as `_`. */
export const tableName = (topic: string | { readonly name: string }): string =>
  (typeof topic === 'string' ? topic : topic.name).replaceAll(/[^a-zA-Z0-9]/g, '_');
