/** daemon.json, the file with options of dockerd. */
import type { Word } from '../../codecs/iptables-save.js';
import { locateInJson, locateSyntaxError } from '../../codecs/json-position.js';
import { withNearest } from '../../codecs/nearest.js';
import type { AddressPool } from '../model.js';
import type { Release } from '../releases.js';
import type { ParseContext } from './context.js';
import {
  BOOLEANS,
  checkBackend,
  checkedPool,
  daemonText,
  refuseLater,
  type SomeOptions,
  TEXTS,
} from './daemon-values.js';
import { DOCKERD_FLAGS, IN_FILE, ONLY_IN_FILE } from './dockerd-flags.js';
import { CommandFault, notFollowed } from './fault.js';

export interface DaemonFile {
  readonly options: SomeOptions;
  /** Where each member is. */
  readonly members: ReadonlyMap<string, Word>;
  readonly file: string;
}

/** Names of members that dockerd knows. */
const KNOWN: readonly string[] = [...[...DOCKERD_FLAGS.keys()].map((name) => IN_FILE[name] ?? name), ...ONLY_IN_FILE];

/** Members that would make another engine than the one that is followed. */
const REFUSED: readonly string[] = [...['ipv6', 'rootless', 'bip6', 'fixed-cidr-v6', 'default-gateway-v6']];

/**
 * Reads the file that PATH names.
 * @throws {CommandFault} and what the context throws if there is none
 */
export function daemonFile(path: Word, context: ParseContext): DaemonFile {
  const file = context.pathOf(path);
  const text = context.readText(path);
  try {
    return new DaemonFileReader(text, file, context.release).read();
  } catch (error) {
    if (!(error instanceof CommandFault)) throw error;
    const { word, message, isUnsupported } = error;
    throw new CommandFault(word, message, '', isUnsupported, file);
  }
}

class DaemonFileReader {
  readonly #text: string;
  readonly #file: string;
  readonly #release: Release | undefined;
  readonly #options: SomeOptions = {};

  constructor(text: string, file: string, release: Release | undefined) {
    this.#text = text;
    this.#file = file;
    this.#release = release;
  }

  read(): DaemonFile {
    const json = this.#json();
    const members = new Map<string, Word>();
    for (const [name, value] of Object.entries(json)) {
      const place = this.#at(`[${JSON.stringify(name)}]`, value);
      members.set(name, place);
      if (!KNOWN.includes(name))
        throw new CommandFault(place, withNearest(`dockerd has no option ${name}`, name, KNOWN));
      if (REFUSED.includes(name) && value !== false && value !== '') throw notFollowed(place, name);
      refuseLater(optionOf(name), place, this.#release);
      this.#read(name, value, place);
    }
    return { options: this.#options, members, file: this.#file };
  }

  #json(): Record<string, unknown> {
    let json: unknown;
    // dockerd takes an empty file for one without options.
    if (this.#text.trim() === '') return {};
    try {
      json = JSON.parse(this.#text);
    } catch (error) {
      const { line, column } = locateSyntaxError(this.#text);
      throw new CommandFault({ text: '', line, column }, `not JSON: ${(error as Error).message}`);
    }
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
    throw new CommandFault({ text: '', line: 1, column: 1 }, 'these are no options of dockerd', 'an object, { … }');
  }

  /** The place of the value at PATH, with VALUE as text. */
  #at(path: string, value: unknown): Word {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return { text, ...locateInJson(this.#text, path) };
  }

  #read(name: string, value: unknown, place: Word): void {
    if (BOOLEANS[name] !== undefined) {
      if (typeof value !== 'boolean') throw wrong(place, name, 'true or false');
      Object.assign(this.#options, { [BOOLEANS[name]]: value });
    } else if (TEXTS[name] !== undefined) {
      if (typeof value !== 'string') throw wrong(place, name, 'a text');
      if (value !== '') Object.assign(this.#options, { [TEXTS[name]]: daemonText(name, place) });
    } else if (name === 'mtu') {
      if (!Number.isInteger(value)) throw wrong(place, name, 'a whole number');
      this.#options.mtu = value as number;
    } else if (name === 'default-address-pools') this.#options.defaultAddressPools = this.#pools(value, place);
    else if (name === 'default-network-opts') this.#options.defaultNetworkOptions = this.#networkOptions(value, place);
    else if (name === 'firewall-backend') checkBackend(place);
  }

  #pools(value: unknown, place: Word): AddressPool[] {
    const wanted = '[{ "base": "10.200.0.0/16", "size": 24 }]';
    if (!Array.isArray(value)) throw wrong(place, 'default-address-pools', wanted);
    return value.map((pool: unknown, i): AddressPool => {
      const path = `["default-address-pools"][${i}]`;
      const { base, size } = (pool ?? {}) as { base?: unknown; size?: unknown };
      if (typeof base !== 'string' || typeof size !== 'number')
        throw wrong(this.#at(path, pool), 'default-address-pools', wanted);
      return checkedPool(this.#at(`${path}.base`, base), size, this.#at(`${path}.size`, size));
    });
  }

  #networkOptions(value: unknown, place: Word): Record<string, string> {
    const wanted = '{ "bridge": { "com.docker.network.driver.mtu": "1400" } }';
    const bridge = typeof value === 'object' && value !== null ? (value as Record<string, unknown>).bridge : null;
    if (bridge === undefined) return {};
    if (typeof bridge !== 'object' || bridge === null || Object.values(bridge).some((one) => typeof one !== 'string'))
      throw wrong(place, 'default-network-opts', wanted);
    return { ...(bridge as Record<string, string>) };
  }
}

/** The option whose values are NAME in the file. */
export function optionOf(name: string): string {
  return Object.entries(IN_FILE).find(([, inFile]) => inFile === name)?.[0] ?? name;
}

function wrong(place: Word, name: string, wanted: string): CommandFault {
  return new CommandFault(place, `${name} takes no ${place.text}`, wanted);
}
