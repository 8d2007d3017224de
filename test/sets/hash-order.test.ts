/** Elements are where the kernel puts them: with a saved set's initval, `ipset save` prints the same order. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from '../../codecs/address.js';
import { formatLoaded, toLoaded } from '../../codecs/byte-order.js';
import { DEFAULT_CREATE_OPTIONS } from '../../core/sets/create-options.js';
import { Element } from '../../core/sets/element.js';
import type { IpSet } from '../../core/sets/ip-set.js';
import { SetStore } from '../../core/sets/store.js';
import { setTypeOf } from '../../core/sets/types.js';

const order = suite('order of a hash');

/** What Linux 6.18 saved of the set below. */
const SAVED = `
  10.0.243.55 10.0.163.39 10.0.95.51 10.0.166.46 10.0.83.23 10.0.225.13 10.0.37.1 10.0.24.56 10.0.120.24
  10.0.80.16 10.0.169.53 10.0.154.18 10.0.231.27 10.0.55.43 10.0.151.11 10.0.12.28 10.0.234.34 10.0.132.52
  10.0.129.45 10.0.203.47 10.0.92.44 10.0.89.37 10.0.98.58 10.0.40.8 10.0.77.9 10.0.197.33 10.0.172.60
  10.0.185.5 10.0.135.59 10.0.240.48 10.0.49.29 192.0.2.1 10.0.191.19 10.0.74.2 10.0.114.10 10.0.157.25
  10.0.46.22 10.0.222.6 10.0.61.57 10.0.200.40 10.0.160.32 10.0.237.41 10.0.148.4 10.0.18.42 10.0.194.26
  10.0.52.36 10.0.43.15 10.0.126.38 10.0.9.21 10.0.58.50 10.0.15.35 10.0.117.17 10.0.21.49 10.0.86.30
  10.0.206.54 10.0.6.14 10.0.188.12
`;

function elementOf(address: string): Element {
  const element = new Element();
  element.ip = parseAddress(address)?.hostOrder ?? 0;
  return element;
}

function hashOf(hashsize: number, bucketsize: number): IpSet {
  const store = new SetStore({ clock: { nowMs: 0 }, interfaceNames: [], randomWord: () => 0 });
  const type = setTypeOf('hash:ip');
  assert.ok(type);
  return store.create('a', type, { ...DEFAULT_CREATE_OPTIONS, hashsize, bucketsize, initval: 0x12345678 }, false);
}

order('a hash that has grown, with elements deleted and added again', () => {
  const set = hashOf(64, 2);
  const address = (i: number): string => `10.0.${(i * 37) % 256}.${i}`;
  for (let i = 1; i <= 60; i++) set.add(elementOf(address(i)), false);
  for (const i of [3, 7, 20, 31]) set.del(elementOf(address(i)), false);
  set.add(elementOf('192.0.2.1'), false);

  const saved: string[] = [];
  set.forEach(({ ip }) => {
    saved.push(formatLoaded(toLoaded(ip)));
  });
  assert.equal(saved, SAVED.trim().split(/\s+/));
  assert.is(set.hashsize, 256);
});

order.run();
