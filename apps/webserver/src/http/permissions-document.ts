import { permissionName } from '@millrace/authorization';
import type { Route } from './route.js';

const PREFIX = { tenant: '~', instance: '/api/v1', any: '~', root: '' } as const;

/** The path of a route as documents show it; `~` is `/api/v1/{tenant}`. */
export const documentedPath = ({ area, path }: Route): string => `${PREFIX[area]}${path.replaceAll(/:(\w+)/g, '{$1}')}`;

function accessText({ access }: Route): string {
  switch (access.kind) {
    case 'permission':
      return `${permissionName(access.permission)} | ${access.at}`;
    case 'self':
      return `any account | ${access.why}`;
    case 'super-admin':
      return `super admin | ${access.why}`;
    case 'anonymous':
      return `none | ${access.why}`;
  }
}

/** docs/permissions.md: which permission each route needs, as the running server enforces it. */
export function permissionsMarkdown(routes: readonly Route[]): string {
  const rows = routes
    .map((route) => ({
      key: `${documentedPath(route)} ${route.method}`,
      row: `| ${route.method} | \`${documentedPath(route)}\` | ${accessText(route)} |`,
    }))
    .sort((one, other) => (one.key < other.key ? -1 : 1));
  return `# Permissions of the API

Written by the route registry; a test compares it. \`~\` is \`/api/v1/{tenant}\`; \`/api/v1\` without a tenant means tenant \`main\`.

| method | path | permission | where the namespace comes from, or why there is none |
| --- | --- | --- | --- |
${rows.map(({ row }) => row).join('\n')}
`;
}
