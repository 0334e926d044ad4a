import { Readable } from 'node:stream';
import { Scope } from '@millrace/authorization';
import { TaskFailure, type NamespaceFileReader, type TaskNamespaceFiles } from '@millrace/plugin-api';
import type { NamespaceFiles } from '@millrace/resources';

/** Files of namespaces as a task changes them. */
export function createTaskNamespaceFiles(tenant: string, files: NamespaceFiles): TaskNamespaceFiles {
  const scope = Scope.system(tenant);
  return {
    paths: async (namespace) => (await files.files(scope, namespace)).map(({ path }) => path),
    everyPath: async (namespace) => (await files.filesWithDeleted(scope, namespace)).map(({ path }) => path),
    namespaces: () => files.namespaces(scope),
    async save(namespace, path, content, overwrite) {
      const isPlain = typeof content === 'string' || content instanceof Uint8Array || content instanceof Readable;
      const stored = isPlain ? content : new Readable().wrap(content);
      return files.uriOf(await files.save(scope, { namespace, path, content: stored, overwrite }));
    },
    remove: async (namespace, path) => (await files.remove(scope, namespace, path)).map((file) => file.path),
    purge: (namespace, path, versions) => files.purge(scope, namespace, path, versions),
  };
}

/** Files of namespaces as a task reads them. */
export function createNamespaceFileReader(tenant: string, files: NamespaceFiles): NamespaceFileReader {
  const scope = Scope.system(tenant);
  return {
    list: (namespace) => files.files(scope, namespace),
    async read(namespace, path, version) {
      const file = await files.find(scope, namespace, path, version);
      if (file?.type === 'file') return files.read(scope, file);
      const which = version === undefined ? '' : ` in version ${version}`;
      throw new TaskFailure(`The namespace '${namespace}' has no file '${path}'${which}`);
    },
  };
}
