/** Reads the command lines of commands that replay captures. */
import { existsSync } from 'node:fs';
import type { Guess } from '../core/rules/guess/guess.js';
import { captureFiles } from '../replay/captures.js';
import type { ReplayOptions } from '../replay/replay.js';
import type { SettingOptions } from '../replay/setting.js';
import type { Arguments } from './args.js';
import { UsageError } from './errors.js';
import { namesPipe } from './supervisor.js';

/** What the options of REPLAYING (commands/options.ts) ask for, but for `--strict`. */
export function replayOptionsOf(given: Arguments): ReplayOptions {
  const seed = given.wholeNumber('seed');
  const limit = given.wholeNumber('limit');
  const show = given.value('show');
  const checksums = given.value('checksums');
  const nfqueue = given.value('nfqueue');
  const rulesPath = given.value('rules');
  const guess = given.value('guess');
  const namesPath = given.value('names');
  const conntrackPath = given.value('conntrack');
  const backend = given.value('backend');
  const serviceRulesPath = given.value('service-rules');
  return {
    ...(rulesPath === undefined ? {} : { rulesPath }),
    ipsetPaths: given.values('ipset'),
    ...(namesPath === undefined ? {} : { namesPath }),
    hostPath: given.required('host'),
    inputs: given.values('in').map(inputOf),
    captures: given.values('capture').map(hostCaptureOf),
    apply: given.values('apply'),
    changes: given.values('at'),
    ...(serviceRulesPath === undefined ? {} : { serviceRulesPath }),
    ...(backend === undefined ? {} : { backend: backend as NonNullable<ReplayOptions['backend']> }),
    lax: given.has('lax'),
    ...(guess === undefined ? {} : { guess: guess as Guess }),
    keepCounters: given.has('keep-counters'),
    ...(conntrackPath === undefined ? {} : { conntrackPath }),
    stitchPaths: given.values('stitch'),
    ...(seed === undefined ? {} : { seed }),
    ...(limit === undefined ? {} : { limit }),
    ...selectionOptions(given),
    ...(show === undefined ? {} : { show }),
    ...(checksums === undefined ? {} : { checksums: checksums as NonNullable<ReplayOptions['checksums']> }),
    ...(nfqueue === undefined ? {} : { nfqueue: nfqueue as NonNullable<ReplayOptions['nfqueue']> }),
  };
}

/**
 * The rulesets and hosts of GIVEN, each at most twice: the old one and the new one.
 * @throws {UsageError} if there are more
 */
export function sidesGiven(given: Arguments): { readonly rules: readonly string[]; readonly hosts: readonly string[] } {
  const [rules, hosts] = [given.values('rules'), given.values('host')];
  for (const [name, { length }] of [
    ['rules', rules],
    ['host', hosts],
  ] as const)
    if (length > 2) throw new UsageError(`--${name} was given ${length} times: expected the old one and the new one`);
  return { rules, hosts };
}

/** What the options of EXPECTED ask for. */
export function expectedOptionsOf(given: Arguments): Pick<ReplayOptions, 'expectEgress' | 'expectCounters'> {
  if (given.has('expect-egress') && !given.has('capture')) {
    throw new UsageError('--expect-egress requires --capture: a capture that shows what the host sent');
  }
  return {
    expectCounters: given.values('expect-counters'),
    ...(given.has('expect-egress') ? { expectEgress: true } : {}),
  };
}

/** The host and what is loaded there, as GIVEN by commands without captures; their `--rules` may be several. */
export function settingOptionsOf(given: Arguments): Omit<SettingOptions, 'rulesPath' | 'apply'> {
  const guess = given.value('guess');
  const namesPath = given.value('names');
  const backend = given.value('backend');
  const seed = given.wholeNumber('seed');
  return {
    hostPath: given.required('host'),
    ipsetPaths: given.values('ipset'),
    lax: given.has('lax'),
    ...(namesPath === undefined ? {} : { namesPath }),
    ...(backend === undefined ? {} : { backend: backend as NonNullable<SettingOptions['backend']> }),
    ...(guess === undefined ? {} : { guess: guess as Guess }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** Which packets of the captures GIVEN asks for. */
export function selectionOptions(given: Arguments): Pick<ReplayOptions, 'filter' | 'from' | 'to'> {
  const filter = given.value('filter');
  const from = given.value('from');
  const to = given.value('to');
  return {
    ...(filter === undefined ? {} : { filter }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** Refuses captures that can be read only once. WHY: which command reads them more often. */
export function refusePipes(options: ReplayOptions, why: string): void {
  const pipe = captureFiles(options).find((path) => namesPipe([path]));
  if (pipe === undefined) return;
  throw new UsageError(`${pipe === '-' ? 'standard input' : pipe} can be read only once; ${why}`);
}

/** Parses the value of `--in`. */
export function inputOf(given: string): { iface: string; path: string } {
  const at = given.indexOf('=');
  if (at <= 0 || at === given.length - 1) throw new UsageError(`--in ${given}: expected IFACE=FILE`);
  return { iface: given.slice(0, at), path: given.slice(at + 1) };
}

/** Parses the value of `--capture`: FILE, or IFACE=FILE unless there is a file of that name. */
function hostCaptureOf(given: string): { iface?: string; path: string } {
  const at = given.indexOf('=');
  const isFile = at <= 0 || at === given.length - 1 || given.slice(0, at).includes('/') || existsSync(given);
  return isFile ? { path: given } : { iface: given.slice(0, at), path: given.slice(at + 1) };
}
