/**
 * Which ports are expected to be open, as a file says it (YAML):
 *
 *     open:
 *       - eth0 tcp * > 192.0.2.10:22
 *     closed:
 *       - tcp * > *:3306
 */
import { withNearest } from '../nearest.js';
import type { SentenceNames } from '../sentence/parse.js';
import type { Sentence } from '../sentence/sentence.js';
import type { Place } from './expectation-error.js';
import { errorIn, PlacedYaml, type YamlNode } from './placed-yaml.js';

/** A sentence of the file, and where it begins. */
export interface ExpectedPorts extends Place {
  readonly text: string;
  readonly sentence: Sentence;
}

export interface PortExpectation {
  readonly open: readonly ExpectedPorts[];
  readonly closed: readonly ExpectedPorts[];
}

const LISTS = ['open', 'closed'] as const;
const FORM = 'expected `open:` and `closed:`, each a list of sentences, such as "- eth0 tcp * > 192.0.2.10:22"';

/**
 * Parses TEXT, the content of FILE. NAMES: the addresses of names in it.
 * @throws {ExpectationError}
 */
export function parsePortExpectation(text: string, file: string, names: SentenceNames): PortExpectation {
  const yaml = new PlacedYaml(text, file);
  const lists: Record<(typeof LISTS)[number], ExpectedPorts[]> = { open: [], closed: [] };
  for (const { key, value } of yaml.entries(yaml.read(FORM), FORM)) {
    const list = LISTS.find((one) => one === key.text);
    if (list === undefined) throw errorIn(key, withNearest(`unknown member "${key.text}"; ${FORM}`, key.text, LISTS));
    lists[list] = value === undefined ? [] : listIn(yaml, value, names);
  }
  return lists;
}

/** The sentences in the list NODE. */
function listIn(yaml: PlacedYaml, node: YamlNode, names: SentenceNames): ExpectedPorts[] {
  return yaml.items(node, 'expected a list of sentences, a "- " before each').map((item) => {
    const text = yaml.text(item, 'expected a sentence, such as eth0 tcp * > 192.0.2.10:22');
    const sentence = yaml.sentence(text, { names });
    return { text: text.text, sentence, file: text.file, line: text.line, column: text.column };
  });
}
