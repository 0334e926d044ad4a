/** The namespaces that a caller may see: all, none, or some with their children. */
export type VisibleNamespaces = 'ALL' | 'NONE' | readonly string[];

/**
 * Whose data a call may touch. First argument of every call to a repository or a storage, without a default, so that
 * no query can forget its tenant (spec security.md §3.8). Made by the decision function, or by `Scope.system` in the
 * servers that act for the product itself.
 */
export class Scope {
  readonly tenant: string;
  readonly namespaces: VisibleNamespaces;

  private constructor(tenant: string, namespaces: VisibleNamespaces) {
    this.tenant = tenant;
    this.namespaces = namespaces;
  }

  /** The whole tenant, for servers. Webserver code must not use it: an import rule checks that. */
  static system(tenant: string): Scope {
    return new Scope(tenant, 'ALL');
  }

  /** What the decision function granted; only libs/authorization calls it. */
  static granted(tenant: string, namespaces: VisibleNamespaces): Scope {
    return new Scope(tenant, namespaces);
  }

  /** True when objects of `namespace` may be seen. `a.b` covers `a.b.c` and not `a.bc`. */
  covers(namespace: string): boolean {
    if (this.namespaces === 'ALL') return true;
    if (this.namespaces === 'NONE') return false;
    return this.namespaces.some((prefix) => namespace === prefix || namespace.startsWith(`${prefix}.`));
  }
}
