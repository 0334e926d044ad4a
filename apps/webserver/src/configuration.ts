import type { PluginDefault } from '@millrace/model';

/** What the webserver reads of the configuration. */
export interface WebserverConfiguration {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Address under which browsers reach the server, such as `https://millrace.example.com/`. Default: what they ask for. */
  readonly url?: string;
  readonly security?: {
    /** Further origins of the product's own pages, such as `https://mill.example.com`; for the check of cross-site requests. */
    readonly allowedOrigins?: readonly string[];
    /** Lets people log in over plain HTTP from other machines. Default false. */
    readonly allowInsecureCookies?: boolean;
  };
  /** Shown by `/configs`. */
  readonly queueType?: string;
  readonly repositoryType?: string;
  readonly storageType?: string;
  readonly version?: string;
  /** Defaults for properties of tasks, below those of a flow: flows are checked with them. */
  readonly pluginDefaults?: readonly PluginDefault[];
  /** Templates can be read and changed (`templates.enabled`). Default false. */
  readonly templates?: boolean;
  /** Rows of a file's preview: how many at first, and at most. */
  readonly preview?: { readonly initialRows: number; readonly maxRows: number };
  /** IANA name of the zone in which defaults of inputs read and print dates. Default: the host's. */
  readonly timeZone?: string;
}

export const PREVIEW_ROWS = { initialRows: 100, maxRows: 5_000 } as const;

/** The account that is created when there is none; its password is only read. */
export interface InitialAccount {
  readonly username: string;
  readonly password: { reveal(): string };
}
