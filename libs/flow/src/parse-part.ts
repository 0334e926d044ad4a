import type { Fault, Finding } from './fault.js';
import { parseFlow, type ParsedFlow, type ParseOptions } from './parse-flow.js';

/** What can be checked by itself. */
export type FlowPart = 'tasks' | 'triggers';

/** What checking a part found; places are counted in the part's own text. */
export type ParsedPart = Omit<ParsedFlow, 'definition'>;

const HEAD = 'id: part\nnamespace: part\n';
const SOME_TASK = 'tasks:\n  - {id: part, type: core.log.Log, message: part}\n';

/**
 * Checks the YAML (or JSON) text of one task or trigger as an editor shows it, without the flow around it: names of
 * inputs and tasks that it reads are not judged.
 */
export function parsePart(source: string, part: FlowPart, options: ParseOptions): ParsedPart {
  const head = `${part === 'tasks' ? HEAD : HEAD + SOME_TASK}${part}:\n  -\n`;
  const body = source
    .replace(/^\uFEFF?(?:---[^\S\n]*\n)?/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => (line.trim() === '' ? '' : `${INDENT}${line}`))
    .join('\n');
  const skipped = source.startsWith('---') ? 1 : 0;
  const lines = head.split('\n').length - 1 - skipped;
  const { faults, warnings, infos, deprecations } = parseFlow(head + body, { ...options, isPart: true });
  const placed = <Kind extends Finding>(findings: readonly Kind[]): Kind[] =>
    findings.map((finding) => ({
      ...finding,
      line: Math.max(1, finding.line - lines),
      column: Math.max(1, finding.column - (finding.line > lines ? INDENT.length : 0)),
      path: withoutHead(finding.path, part),
    }));
  return {
    faults: placed<Fault>(faults),
    warnings: placed(warnings),
    infos: placed(infos),
    deprecations: deprecations.map((path) => withoutHead(path, part)),
  };
}

const INDENT = '    ';

const withoutHead = (path: string, part: FlowPart): string =>
  path.startsWith(`${part}[0]`) ? path.slice(`${part}[0]`.length).replace(/^\./, '') : path;
