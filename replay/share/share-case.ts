/** Makes a case anonymous, for reports in public: what says whose it is is replaced, and what it shows stays. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { addressFromHostOrder, prefixMask } from '../../codecs/address.js';
import type { Ruleset } from '../../core/rules/model.js';
import { listPaths } from '../../io/capture-file.js';
import { captureSet } from '../../io/capture-set.js';
import { Secret } from '../../io/secret.js';
import { removeLeftovers } from '../../io/staged-dir.js';
import { NotFollowedError } from '../errors.js';
import { type GoldenCase, optionsOf, readCase } from '../golden-case.js';
import type { ReplayControl, ReplayOptions } from '../replay.js';
import { TemporaryFolder } from '../temporary-folder.js';
import { type CaseContent, type CaseFile, StagedCase, writeCase } from '../write-case.js';
import { isFixed } from './address-map.js';
import { SharedTexts, type TextParts } from './case-parts.js';
import { ChanceError } from './chance-error.js';
import { chancesIn } from './chances.js';
import type { Translation } from './digest.js';
import { Inventory } from './inventory.js';
import { type KeptBytes, keptBytes } from './kept-bytes.js';
import { refuseLeaks } from './leaks.js';
import { prove } from './proof.js';
import { Replacements } from './replacements.js';
import type { Replacer } from './replacer.js';
import { inOrder } from './rules-texts.js';
import { type CaptureContent, readCapture, writeCapture } from './shared-captures.js';
import { secondsToShift, timesRead } from './shared-times.js';
import { WantFiles } from './want-files.js';

export interface ShareOptions extends ReplayControl {
  /** For the same replacements again. Left out: a secret that is not kept. */
  readonly seed?: string;
  /** What comes of the claims of a case that has some, a text each, which must be the same for both. */
  readonly judge?: (golden: GoldenCase) => readonly string[];
}

export interface ShareResult {
  /** What was proved. */
  readonly packets: number;
  /** How many of each kind were replaced, in the order in which that is told. */
  readonly replaced: readonly (readonly [what: string, count: number])[];
  /** Addresses of the original that are in the shared case: they were replaced by themselves, or by each other. */
  readonly again: readonly string[];
  /** What was not replaced, and why; a line each. */
  readonly kept: readonly string[];
}

/** How often others are tried: if by chance something of the original comes out, or a hash decides otherwise. */
const ATTEMPTS = 64;
/** How often with what `-m string` looks for replaced, too: headers, which stay, may have some of it. */
const PATTERN_ATTEMPTS = 4;
/** For how long. */
const ATTEMPTS_MS = 20_000;

/**
 * Writes the shared form of GOLDEN to the new folder DIR.
 * @throws {NotFollowedError} if it would not show the same, or something of it cannot be replaced
 * @throws {FileError} if a file cannot be read, or DIR cannot be written
 * @throws as `replay` does of the original
 */
export function shareCase(golden: GoldenCase, dir: string, options: ShareOptions = {}): ShareResult {
  const { seed, onCreate, judge } = options;
  const staged = new StagedCase(dir, onCreate === undefined ? {} : { onCreate });
  let folder: TemporaryFolder | undefined;
  try {
    folder = new TemporaryFolder('share', onCreate);
    const sharing = new Sharing(golden, folder.path, judge);
    const { content, result } = firstGood(sharing, seed);
    staged.add(content);
    staged.commit();
    return result;
  } catch (error) {
    staged.discard();
    throw error;
  } finally {
    folder?.remove();
  }
}

/** The first replacements with which the case is anonymous and shows the same. */
function firstGood(sharing: Sharing, seed: string | undefined): Attempt {
  const startMs = performance.now();
  for (let number = 0; ; number++) {
    const isLast = number === ATTEMPTS - 1 || performance.now() - startMs > ATTEMPTS_MS;
    try {
      const secret = new Secret(seed === undefined ? undefined : `${number} ${seed}`);
      return sharing.attempt(secret, number);
    } catch (error) {
      if (isLast || !(error instanceof ChanceError)) throw error;
      sharing.forget(number);
    }
  }
}

interface Attempt {
  readonly content: CaseContent;
  readonly result: ShareResult;
}

/** A capture of the case, and what it is called in the shared one. */
interface SharedCapture {
  readonly content: CaptureContent;
  /** Its name for the names of interfaces that REPLACER gives. */
  name(replacer: Replacer): string;
}

class Sharing {
  readonly #golden: GoldenCase;
  readonly #folder: string;
  readonly #judge: ShareOptions['judge'];
  readonly #texts: SharedTexts;
  readonly #keptBytes: KeptBytes | undefined;
  readonly #inventory = new Inventory();
  readonly #captures: readonly SharedCapture[];
  readonly #want: WantFiles;

  constructor(golden: GoldenCase, folder: string, judge: ShareOptions['judge']) {
    this.#judge = judge;
    this.#golden = golden;
    this.#folder = folder;
    this.#texts = new SharedTexts(golden);
    this.#keptBytes = keptBytes(this.#texts.rulesets);
    if (this.#keptBytes !== undefined) this.#inventory.keeps('bytes of payloads that -m u32 or -m bpf read');
    this.#texts.parts(this.#inventory);
    this.#captures = sharedCaptures(this.#texts.options, this.#inventory);
    this.#want = new WantFiles(golden.wantDir, this.#texts.reading, this.#inventory);
  }

  /** Removes what the attempt NUMBER has left. */
  forget(number: number): void {
    for (const name of ['files', 'bare', 'case'])
      removeLeftovers({ folder: join(this.#folder, `${name}-${number}`), parents: [] });
  }

  /** @throws {ChanceError} if other replacements may do */
  attempt(secret: Secret, number: number): Attempt {
    const inventory = this.#inventory;
    const times = timesRead(this.#texts);
    const hasPatterns = number < PATTERN_ATTEMPTS;
    const replacements = new Replacements(inventory, secret, {
      shiftSeconds: secondsToShift(inventory.firstSecond, times),
      hasStreams: !hasSynproxy(this.#texts.setting.ruleset),
      keptBytes: this.#keptBytes,
      hasPatterns,
    });
    const { files, options, expect } = this.#texts.parts(replacements);
    const raw = join(this.#folder, `files-${number}`);
    mkdirSync(raw);
    const captures = this.#captures.map(({ content, name }, i): CaseFile => {
      const path = join(raw, String(i));
      writeCapture(content, path, replacements);
      return { name: name(replacements), path };
    });
    const content = {
      files: [...this.#ordered(files, replacements), ...captures],
      options: [
        ...options,
        ...captureOptions(
          this.#texts.options,
          captures.map(({ name }) => name),
          replacements,
        ),
      ],
      ...(expect === undefined ? {} : { expect }),
    };
    const bare = join(this.#folder, `bare-${number}`);
    writeCase(bare, content);
    const shared = readCase(bare);
    const hint = chancesIn(this.#texts.setting.ruleset, this.#texts.source.description);
    const proof = prove(this.#texts.options, optionsOf(shared), translationOf(replacements), hint);
    this.#proveClaims(shared);
    const want = this.#want.files(this.#golden, shared, replacements, raw);
    const whole = { ...content, files: [...content.files, ...want] };
    const final = join(this.#folder, `case-${number}`);
    writeCase(final, whole);
    refuseLeaks(final, inventory, replacements);
    if (!hasPatterns && inventory.patterns.length > 0)
      replacements.keeps('what -m string looks for, which headers have, too');
    const kept = [...new Set([...inventory.kept, ...replacements.kept, ...times.kept])];
    return {
      content: whole,
      result: {
        packets: proof.packets,
        replaced: counts(inventory, replacements),
        again: addressesAgain(inventory, replacements),
        kept,
      },
    };
  }

  #proveClaims(shared: GoldenCase): void {
    if (this.#judge === undefined || shared.expectPath === undefined) return;
    const [before, after] = [this.#golden, shared].map(this.#judge);
    const at = before.findIndex((claim, i) => claim !== after[i]);
    if (at < 0) return;
    throw new NotFollowedError(
      `the shared case would not show the same, so nothing was written: claim ${at + 1} of expect.yaml ` +
        `is ${before[at]}, and would be ${after[at]}`,
    );
  }

  /** FILES, of which the rules are in the order that iptables-save prints. */
  #ordered(files: TextParts['files'], replacer: Replacer): CaseFile[] {
    const { reading } = this.#texts;
    return files.map(({ name, text, rules }) => ({
      name,
      bytes: rules === undefined ? text : inOrder(text, reading, replacer, rules.counts),
    }));
  }
}

function sharedCaptures(
  { inputs = [], stitchPaths = [], captures = [] }: ReplayOptions,
  inventory: Inventory,
): SharedCapture[] {
  const found = (path: string | readonly string[]) => captureSet(listPaths(path)).paths;
  const arrived = inputs.flatMap(({ iface, path }, input) => {
    if (iface !== 'local') inventory.iface(iface);
    return found(path).map((one, i, all): SharedCapture => {
      const content = readCapture(one, inventory, iface === 'local');
      return { content, name: (replacer) => inputFile(content, iface, replacer, inputs, input, i, all.length) };
    });
  });
  const others = [...stitchPaths, ...captures.map(({ path }) => path)].flatMap((path, input) =>
    found(path).map((one, i, all): SharedCapture => {
      const content = readCapture(one, inventory);
      return {
        content,
        name: () => otherFile(stitchPaths.length > 0 ? 'stitch' : 'capture', content, input, i, all.length),
      };
    }),
  );
  for (const { iface } of captures) if (iface !== undefined) inventory.iface(iface);
  return [...arrived, ...others];
}

const extension = ({ isPcapng }: CaptureContent): string => (isPcapng ? 'pcapng' : 'pcap');

/** `in/eth0.pcap`; of several files `in/eth0.pcap0`, …; where an interface has several inputs, `in/2-eth0.pcap`. */
function inputFile(
  content: CaptureContent,
  iface: string,
  replacer: Replacer,
  inputs: readonly { iface: string }[],
  input: number,
  file: number,
  count: number,
): string {
  const name = iface === 'local' ? iface : replacer.iface(iface);
  const isAgain = isRepeated(inputs);
  const part = count > 1 ? String(file).padStart(4, '0') : '';
  return `in/${isAgain ? `${input + 1}-` : ''}${name}.${extension(content)}${part}`;
}

/** Whether the files are found in the same order without being named: packets of the same time follow that. */
function isSorted(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || names[i - 1] < name);
}

function isRepeated(inputs: readonly { iface: string }[]): boolean {
  return new Set(inputs.map(({ iface }) => iface)).size < inputs.length;
}

function otherFile(kind: string, content: CaptureContent, input: number, file: number, count: number): string {
  const part = count > 1 ? `-${String(file).padStart(4, '0')}` : '';
  if (kind === 'stitch' && input === 0 && count === 1) return 'stitch.pcap';
  return `${kind}-${input + 1}${part}.${extension(content)}`;
}

/** The options of case.json that name captures, where convention does not. NAMES: of the files, in their order. */
function captureOptions(
  { inputs = [], stitchPaths = [], captures = [] }: ReplayOptions,
  names: readonly string[],
  replacer: Replacer,
): string[] {
  const pattern = (kind: string, input: number): string => {
    const own = names.filter(
      (name) => name.startsWith(`${kind}-${input + 1}.`) || name.startsWith(`${kind}-${input + 1}-`),
    );
    return own.length === 1 ? own[0] : `${kind}-${input + 1}-*`;
  };
  if (captures.length > 0)
    return captures.flatMap(({ iface }, i) => [
      '--capture',
      (iface === undefined ? '' : `${replacer.iface(iface)}=`) + pattern('capture', i),
    ]);
  if (stitchPaths.length > 0) {
    if (stitchPaths.length === 1 && names[0] === 'stitch.pcap') return [];
    return stitchPaths.flatMap((_, i) => [
      '--stitch',
      i === 0 && names.includes('stitch.pcap') ? 'stitch.pcap' : pattern('stitch', i),
    ]);
  }
  if (!isRepeated(inputs) && isSorted(names)) return [];
  return inputs.flatMap(({ iface }, i) => {
    const name = iface === 'local' ? iface : replacer.iface(iface);
    const file = `in/${isRepeated(inputs) ? `${i + 1}-` : ''}${name}.`;
    const own = names.filter((one) => one.startsWith(file));
    return ['--in', `${name}=${own.length === 1 ? own[0] : `${file}*`}`];
  });
}

/** Whether RULESET connects to servers in place of clients, with other sequence numbers. */
function hasSynproxy({ tables }: Ruleset): boolean {
  return tables.some(({ rules }) =>
    rules.some(({ target }) => target.kind === 'extension' && target.extension.proxies),
  );
}

function translationOf(replacements: Replacements): Translation {
  return {
    address: (text) => (text === '' ? '' : replacements.addressText(text)),
    iface: (name) => (name === '' ? '' : replacements.iface(name)),
    chain: (name) => replacements.named('chain', name),
    list: (name) => replacements.named('list', name),
  };
}

/** Addresses in both cases, but for those that mean something: 127.0.0.1, or the broadcast address of a subnet. */
function addressesAgain({ addresses, needs }: Inventory, replacements: Replacements): string[] {
  const images = new Set([...addresses].map((address) => replacements.address(address)));
  const ends = new Set(
    needs.subnets.flatMap(({ address, length }) => [
      address.masked(prefixMask(address.family, length)).tail >>> 0,
      address.lastInPrefix(length).tail >>> 0,
    ]),
  );
  const isMeant = (address: number): boolean => isFixed(address) || ends.has(address);
  const again = [...addresses].filter((address) => images.has(address) && !isMeant(address));
  return again.sort((a, b) => a - b).map((address) => String(addressFromHostOrder(address)));
}

function counts(inventory: Inventory, replacements: Replacements): ShareResult['replaced'] {
  const changed = <T>(all: Iterable<T>, replaced: (one: T) => T): number =>
    [...all].filter((one) => replaced(one) !== one).length;
  const named = [...inventory.names].map(
    ([kind, names]) => [kind, changed(names, (name) => replacements.named(kind, name))] as const,
  );
  return [
    ['address', changed(inventory.addresses, (address) => replacements.address(address))] as const,
    ['MAC address', changed(inventory.macs, (mac) => replacements.macHex(mac))] as const,
    ['interface', changed(inventory.interfaces, (name) => replacements.iface(name))] as const,
    ...named,
  ].filter(([, count]) => count > 0);
}
