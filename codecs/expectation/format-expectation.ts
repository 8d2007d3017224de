/** Writes expect.yaml. */
import { yamlText } from './write-yaml.js';

/** A claim that is to be written: a member of expect.yaml each. */
export interface DraftedClaim {
  readonly it?: string | undefined;
  readonly packet?: string | undefined;
  readonly connection?: string | undefined;
  readonly send?: string | undefined;
  readonly never?: string | undefined;
  /** Bounds by rule or policy. */
  readonly counters?: Readonly<Record<string, string>> | undefined;
  readonly after?: string | undefined;
  readonly becomes?: string | undefined;
  readonly ends?: string | undefined;
  readonly by?: string | undefined;
  readonly answer?: string | undefined;
  /** Lines above the claim, without `#`. */
  readonly remark?: string | undefined;
}

export interface DraftedExpectation {
  /** Lines at the beginning, without `#`. */
  readonly remark?: string | undefined;
  /** Addresses by name. */
  readonly names?: ReadonlyMap<string, string> | undefined;
  readonly claims: readonly DraftedClaim[];
}

/** The order in which the members of a claim are written. */
const MEMBERS = ['it', 'packet', 'connection', 'send', 'never', 'after', 'becomes', 'ends', 'by', 'answer'] as const;
/** Names on one line, if they fit. */
const LINE_WIDTH = 100;

/** DRAFT as expect.yaml, which `readExpectation` reads. */
export function formatExpectation({ remark, names, claims }: DraftedExpectation): string {
  const lines = [...commentLines(remark, ''), ...namesLines(names ?? new Map()), 'expect:'];
  for (const claim of claims) lines.push(...claimLines(claim));
  return `${lines.join('\n')}\n`;
}

function commentLines(remark: string | undefined, indent: string): string[] {
  if (remark === undefined) return [];
  return remark.split(/\r\n|[\r\n\u2028\u2029]/).map((line) => `${indent}# ${line}`.trimEnd());
}

function namesLines(names: ReadonlyMap<string, string>): string[] {
  if (names.size === 0) return [];
  const inFlow = [...names].map(([name, address]) => `${yamlText(name, true)}: ${yamlText(address, true)}`);
  const line = `names: { ${inFlow.join(', ')} }`;
  if (line.length <= LINE_WIDTH) return [line];
  return ['names:', ...[...names].map(([name, address]) => `  ${yamlText(name, false)}: ${yamlText(address, false)}`)];
}

function claimLines(claim: DraftedClaim): string[] {
  const members = MEMBERS.flatMap((member) => {
    const text = claim[member];
    return text === undefined ? [] : [`${member}: ${yamlText(text, false)}`];
  });
  const counters = Object.entries(claim.counters ?? {});
  if (counters.length > 0) {
    const bounds = counters.map(([key, bound]) => `${yamlText(key, false)}: ${yamlText(bound, false)}`);
    members.push('counters:', ...bounds.map((line) => `  ${line}`));
  }
  return [...commentLines(claim.remark, '  '), ...members.map((line, i) => `  ${i === 0 ? '- ' : '  '}${line}`)];
}
