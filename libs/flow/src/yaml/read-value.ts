import { DEFAULT_FLOW_LIMITS } from '../limits.js';
import { nestingFault } from './nesting.js';
import { parseYaml } from './parse.js';
import { toPlainData } from './plain-data.js';
import { syntaxFaults } from './syntax-faults.js';

/** The data of a YAML text of one document, or the first thing wrong with it (a sentence). Same limits as for flows. */
export function readYamlValue(source: string): { readonly value: unknown } | { readonly reason: string } {
  if (source.length > DEFAULT_FLOW_LIMITS.sourceBytes) {
    return { reason: `It is longer than ${DEFAULT_FLOW_LIMITS.sourceBytes} characters: give it as a file.` };
  }
  const nesting = nestingFault(source);
  if (nesting !== undefined) return { reason: nesting.message };
  const yaml = parseYaml(source, DEFAULT_FLOW_LIMITS);
  if ('fault' in yaml) return { reason: yaml.fault.message };
  const { documents, lines } = yaml;
  const [document, second] = documents;
  if (document === undefined) return { value: null };
  if (second !== undefined) return { reason: 'It has more than one document: give only one.' };
  const [syntax] = syntaxFaults(document, source).faults;
  if (syntax !== undefined) return { reason: syntax.message };
  const { value, faults } = toPlainData(document.contents, lines, DEFAULT_FLOW_LIMITS);
  const [fault] = faults;
  return fault === undefined ? { value } : { reason: fault.message };
}
