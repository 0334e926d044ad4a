/** Roles that can be bound. Only `admin` until roles become resources of their own; it holds every permission. */
export type RoleId = 'admin';

/** A role given to a principal in a tenant; `namespace` narrows it to that namespace and its children. */
export interface Grant {
  readonly tenant: string;
  readonly role: RoleId;
  readonly namespace?: string;
}

/** Who asks: a person (later also a service account), as the authentication found it. */
export interface Principal {
  readonly id: string;
  readonly username: string;
  readonly active: boolean;
  /** Manages the instance; gives no access to a tenant's data by itself. */
  readonly superAdmin: boolean;
  /** Tenants that may be entered at all; grants elsewhere count for nothing. */
  readonly tenants: readonly string[];
  readonly grants: readonly Grant[];
}
