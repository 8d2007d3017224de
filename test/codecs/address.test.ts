import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressFromLoaded, parseAddress } from '../../codecs/address.js';
import { formatLoaded, portToHostOrder, portToLoaded, toHostOrder, toLoaded } from '../../codecs/byte-order.js';

const Address = suite('address');

/** Four bytes on the wire as an int32 loaded little-endian. */
const loaded = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer).getInt32(0, true);

Address('converts text and wire bytes', () => {
  const known: [string, number][] = [
    ['0.0.0.0', 0],
    ['255.255.255.255', -1],
    ['192.0.2.10', loaded(192, 0, 2, 10)],
    ['172.17.0.3', loaded(172, 17, 0, 3)],
    ['1.2.3.200', loaded(1, 2, 3, 200)],
  ];
  for (const [text, address] of known) {
    assert.is(formatLoaded(address), text);
    assert.is(String(addressFromLoaded(address)), text);
    assert.is(parseAddress(text)?.loaded, address);
  }
});

Address('refuses text that is not a dotted quad', () => {
  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4/8', ' 1.2.3.4', 'eth0']) {
    assert.is(parseAddress(text), undefined, text);
  }
});

Address('swaps to host order and back', () => {
  assert.is(toHostOrder(loaded(192, 0, 2, 10)), 0xc000020a);
  assert.is(toLoaded(0xc000020a), loaded(192, 0, 2, 10));
  assert.is(portToHostOrder(0x901f), 0x1f90);
  assert.is(portToLoaded(0x1f90), 0x901f);
});

Address.run();
