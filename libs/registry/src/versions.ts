import { versionId, type VersionPurge } from '@millrace/model';
import type { ResourceFact } from './changes.js';

/** A version as far as it decides what stays. */
export interface KeptVersion {
  readonly version: number;
  readonly updatedAt: number;
  /** What it takes of what may be kept together. */
  readonly size: number;
}

/** The versions that a purge takes: those of `known` before the date, without the newest that stay in any case. */
export function purgedVersions(
  known: readonly Pick<KeptVersion, 'version' | 'updatedAt'>[],
  { before, keepAmount }: VersionPurge,
): readonly number[] {
  const newestFirst = [...known].sort((one, other) => other.version - one.version);
  return newestFirst
    .filter(({ updatedAt }, place) => place >= (keepAmount ?? 0) && (before === undefined || updatedAt < before))
    .map(({ version }) => version);
}

/** For the versions without the newest one, which is kept besides. */
export const keepingOneLess = ({ before, keepAmount }: VersionPurge): VersionPurge => ({
  ...(before === undefined ? {} : { before }),
  ...(keepAmount === undefined ? {} : { keepAmount: Math.max(0, keepAmount - 1) }),
});

/** The oldest versions beyond a number and beyond a size together; never the newest. */
export function surplusVersions(
  known: readonly KeptVersion[],
  max: { readonly versions: number; readonly size: number },
): readonly number[] {
  const newestFirst = [...known].sort((one, other) => other.version - one.version);
  let size = 0;
  return newestFirst
    .filter((one, place) => {
      size += one.size;
      return place > 0 && (place >= max.versions || size > max.size);
    })
    .map(({ version }) => version);
}

/** The records of versions are gone. */
export const removals = (versions: readonly number[]): readonly ResourceFact[] =>
  versions.map((version) => ({ id: versionId(version), resource: null }));
