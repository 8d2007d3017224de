/** What lint finds, as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format). */
import { encodeText, rejoined } from '../../codecs/text.js';
import { FINDINGS, type Finding, type RulePlace } from '../findings.js';
import type { LintResult } from './lint.js';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** The codes of lint. Those of the first group hide what the rules' author wanted; the others do no harm by themselves. */
const CODES = Object.entries(FINDINGS.lint);
const NOTES: readonly string[] = ['shadowed-in-part', 'unused-chain', 'unreached-policy'];

/** RESULT as a SARIF log. VERSION: of nfreplay. */
export function sarifLog({ findings, givenUp }: LintResult, version: string): object {
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'nfreplay lint',
            version,
            rules: CODES.map(([id, text]) => ({
              id,
              shortDescription: { text },
              defaultConfiguration: { level: levelOf(id) },
            })),
          },
        },
        invocations: [
          {
            executionSuccessful: givenUp.length === 0,
            ...(givenUp.length === 0
              ? {}
              : { toolExecutionNotifications: givenUp.map((text) => ({ level: 'error', message: { text } })) }),
          },
        ],
        results: findings.map(resultOf),
      },
    ],
  };
}

function levelOf(code: string): 'warning' | 'note' {
  return NOTES.includes(code) ? 'note' : 'warning';
}

function resultOf({ code, message, rules, change }: Finding): object {
  const [subject, ...because] = rules;
  const suggestion = change === null ? '' : `; change: ${change}`;
  return {
    ruleId: code,
    ruleIndex: CODES.findIndex(([id]) => id === code),
    level: levelOf(code),
    message: { text: rejoined(`${message}${suggestion}`) },
    locations: [locationOf(subject)],
    ...(because.length === 0 ? {} : { relatedLocations: because.map((place, id) => ({ id, ...locationOf(place) })) }),
  };
}

function locationOf({ file, line }: RulePlace): object {
  const region = line > 0 ? { region: { startLine: line } } : {};
  return { physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...region } };
}

/** Bytes that a path in a URI may have as they are (RFC 3986). */
const PLAIN = /[A-Za-z0-9\-._~!$&'()*+,;=@/]/;

/** PATH as a URI, relative if it is. */
function uriOf(path: string): string {
  const escaped = Array.from(encodeText(path), (byte) => {
    const char = String.fromCharCode(byte);
    return PLAIN.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  return escaped.startsWith('/') ? `file://${escaped}` : escaped;
}
