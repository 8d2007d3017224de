/** Names for the addresses in claims: those that are known, and `host` for the host's own. */
import { type Address, parseAddress } from '../../codecs/address.js';
import type { SentenceNames } from '../../codecs/sentence/parse.js';
import type { SentenceHost } from '../../codecs/sentence/sentence.js';
import type { Host } from '../../core/host/host.js';
import { addressesByName, type Names } from '../../replay/names.js';

/** A name that is a word of a sentence, and of YAML. */
const PLAIN_NAME = /^[A-Za-z_](?:[\w.-]*\w)?$/;
const RESERVED = /^(?:true|false|null|yes|no|on|off|y|n|in|out|local)$/i;

export class AddressNames {
  readonly #host: Host;
  readonly #known: Names;
  readonly #byName: SentenceNames;
  readonly #own = new Map<string, string>();

  /** KNOWN: of containers, and of `--names`. */
  constructor(host: Host, known: Names) {
    this.#host = host;
    this.#known = known;
    this.#byName = addressesByName(known);
    const outside = defaultInterface(host);
    for (const { name, isLoopback, addresses } of host.interfaces) {
      if (isLoopback) continue;
      for (const [i, { local }] of addresses.filter((one) => one.local.family === 'ipv4').entries()) {
        const wanted = name === outside ? 'host' : `host-${name}`;
        const own = i === 0 ? wanted : `${wanted}-${i + 1}`;
        if (isUsable(own) && !this.#byName.has(own) && !this.#own.has(String(local))) this.#own.set(String(local), own);
      }
    }
  }

  /** The interface by which the host reaches the rest of the world; undefined: it does not. */
  get outside(): string | undefined {
    return defaultInterface(this.#host);
  }

  isOwn(address: string): boolean {
    return this.#host.interfaces.some(({ addresses }) => addresses.some(({ local }) => String(local) === address));
  }

  /** Whether ADDRESS is in a network of the host's, other than the one that leads to the rest of the world. */
  isNear(address: string): boolean {
    const parsed = parseAddress(address);
    if (parsed === undefined) return false;
    return this.#host.interfaces.some(
      ({ name, addresses }) =>
        name !== this.outside &&
        addresses.some(
          ({ local, prefixLength }) => local.family === parsed.family && parsed.hasPrefix(local, prefixLength),
        ),
    );
  }

  /** ADDRESS as sentences write it, by its name if it has one. */
  hostOf(address: string): SentenceHost | undefined {
    const parsed = parseAddress(address);
    if (parsed === undefined) return undefined;
    const known = this.#known.get(address);
    if (known !== undefined && isUsable(known)) {
      const addresses = (this.#byName.get(known) ?? []).flatMap((text) => parseAddress(text) ?? []);
      return { name: known, addresses, prefixLength: undefined };
    }
    const own = this.#own.get(address);
    if (own === undefined) return { name: undefined, addresses: [parsed], prefixLength: undefined };
    return { name: own, addresses: [parsed], prefixLength: undefined };
  }

  /** The address of the host's own that nobody else calls NAME. */
  ownNamed(name: string): Address | undefined {
    const found = [...this.#own].find(([, own]) => own === name);
    return found && parseAddress(found[0]);
  }

  /** ADDRESS in words. */
  nameOf(address: string): string {
    const host = this.hostOf(address);
    return host?.name ?? address;
  }
}

const isUsable = (name: string): boolean => PLAIN_NAME.test(name) && !RESERVED.test(name);

/** The interface of the best default route. */
function defaultInterface({ description, interfaceNames }: Host): string | undefined {
  const [best] = description.routes
    .filter(
      ({ destination, prefixLength, type }) =>
        destination.family === 'ipv4' && prefixLength === 0 && type === 'unicast',
    )
    .sort((a, b) => a.metric - b.metric);
  const dev = best?.dev ?? best?.nextHops[0]?.dev;
  return dev !== undefined && interfaceNames.includes(dev) ? dev : undefined;
}
