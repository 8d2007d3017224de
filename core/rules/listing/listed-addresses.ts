/** The addresses in a listing, which has names for some of them unless it was printed with -n. */
import type { Family } from '../../../codecs/address.js';
import { parseAddress } from '../../../codecs/address.js';
import type { Word } from '../../../codecs/iptables-save.js';
import { RuleFault } from '../parse/error.js';
import type { ListedContext } from './listed-form.js';

/** What every host calls these addresses (/etc/hosts, /etc/networks). */
const EVERYWHERE: Readonly<Record<Family, readonly (readonly [name: string, address: string])[]>> = {
  ipv4: [
    ['localhost', '127.0.0.1'],
    ['default', '0.0.0.0'],
    ['loopback', '127.0.0.0'],
    ['link-local', '169.254.0.0'],
  ],
  ipv6: [
    ['localhost', '::1'],
    ['ip6-localhost', '::1'],
    ['ip6-loopback', '::1'],
    ['ip6-allnodes', 'ff02::1'],
    ['ip6-allrouters', 'ff02::2'],
  ],
};
const ANYWHERE: Readonly<Record<Family, string>> = { ipv4: '0.0.0.0/0', ipv6: '::/0' };

export class ListedAddresses {
  readonly #family: Family;
  readonly #names: ReadonlyMap<string, readonly string[]>;

  /** NAMES: addresses by the names of hosts. */
  constructor(family: Family, names: ReadonlyMap<string, readonly string[]>) {
    this.#family = family;
    const everywhere = EVERYWHERE[family].map(([name, address]) => [name, [address]] as const);
    this.#names = new Map([...everywhere, ...names]);
  }

  /** `address[/mask]` in numbers of what stands at WORD. Throws a RuleFault if it is a name that is not known. */
  numberOf(word: Word): string {
    const { text } = word;
    if (text === 'anywhere') return ANYWHERE[this.#family];
    const slash = text.indexOf('/');
    const [host, mask] = slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
    if (parseAddress(host) !== undefined) return text;
    const [address, ...others] = (this.#names.get(host) ?? []).filter(
      (one) => parseAddress(one)?.family === this.#family,
    );
    if (address !== undefined && others.length === 0) return address + mask;
    const why =
      address === undefined ? 'an address that is not known here' : `one of ${[address, ...others].join(', ')}`;
    const what = `the listing has the name of a host, ${host}, for ${why}`;
    throw new RuleFault(word, what, 'a listing with -n, or a file with its address as --names', 'unsupported');
  }

  /** The same for the forms of extensions, in line LINE. */
  on(line: number): ListedContext {
    return {
      family: this.#family,
      line,
      address: (text, at) => this.numberOf({ text, line, column: at + 1 }),
    };
  }
}
