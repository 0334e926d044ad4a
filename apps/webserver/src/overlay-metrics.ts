import type { OverlayStatistics, Repository } from '@millrace/repository';
import type { Metrics } from '@millrace/service';

const FIGURES: readonly (readonly [name: string, help: string, of: keyof OverlayStatistics])[] = [
  ['overlay_rows', 'Records that this server answers beside the index', 'rows'],
  [
    'overlay_newer_heads',
    'Executions and triggers whose newest state this server answers beside the index',
    'newerHeads',
  ],
  ['overlay_oldest_seconds', 'Age of the oldest record that the index does not show, in seconds', 'oldestSeconds'],
];

/** Figures of what is answered beside the index; none where there is no index. */
export function overlayMetrics(metrics: Pick<Metrics, 'gauge'>, repository: Pick<Repository, 'freshness'>): void {
  if (repository.freshness().overlay === undefined) return;
  for (const [name, help, of] of FIGURES) metrics.gauge(name, help, () => repository.freshness().overlay?.[of] ?? 0);
}
