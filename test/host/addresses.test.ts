/**
 * Facts from `ip addr show`, `ip route show table all` and `ip route get` of Linux 6.18, and from packets through a
 * router.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLoaded } from '../../codecs/byte-order.js';
import { AddressType } from '../../core/host/address-type.js';
import { hostOf, ip, link, macOf, routeKey } from './host-file.js';

const Addresses = suite('addresses of interfaces');

const inet = (local: string, prefixlen: number, more: object = {}) => ({ family: 'inet', local, prefixlen, ...more });

const MANY = {
  addr: [
    {
      ifname: 'va',
      address: '02:00:00:00:00:01',
      addr_info: [
        inet('10.0.0.9', 24),
        inet('10.0.0.1', 16),
        inet('10.0.0.5', 24),
        inet('10.0.0.9', 24),
        inet('169.254.1.1', 16, { scope: 'link' }),
        inet('10.0.0.7', 24, { scope: 'link' }),
        inet('172.16.0.1', 30, { broadcast: '172.16.0.77' }),
        inet('172.17.0.0', 31),
        inet('172.18.0.5', 32),
        inet('10.0.0.3', 16),
        inet('192.0.2.1', 24, { address: '192.0.2.9' }),
        inet('203.0.113.5', 8, { broadcast: '255.255.255.255' }),
      ],
    },
  ],
};

Addresses("are in the kernel's order, primary ones first, without refused ones", () => {
  const { addresses } = hostOf(MANY).interfaces[1];
  assert.equal(
    addresses.map(({ local, isSecondary }) => `${local}${isSecondary ? ' secondary' : ''}`),
    [
      '169.254.1.1',
      '10.0.0.9',
      '10.0.0.1',
      '172.16.0.1',
      '172.17.0.0',
      '172.18.0.5',
      '192.0.2.1',
      '203.0.113.5',
      '10.0.0.5 secondary',
      '10.0.0.3 secondary',
    ],
  );
});

Addresses('have the routes that the kernel adds for them', () => {
  const host = hostOf(MANY);
  const local = [
    '10.0.0.1',
    '10.0.0.3',
    '10.0.0.5',
    '10.0.0.9',
    '169.254.1.1',
    '172.17.0.0',
    '172.18.0.5',
    '192.0.2.1',
  ];
  for (const address of local) assert.is(host.addressType(ip(address), -1), AddressType.LOCAL, address);
  const broadcast = [
    '10.0.0.255',
    '10.0.255.255',
    '169.254.255.255',
    '172.16.0.3',
    '172.16.0.77',
    '192.0.2.255',
    '203.255.255.255',
  ];
  for (const address of broadcast) assert.is(host.addressType(ip(address), -1), AddressType.BROADCAST, address);
  for (const address of ['10.0.0.0', '172.16.0.0', '172.17.0.1', '172.18.0.6', '192.0.2.9', '10.0.0.7'])
    assert.is(host.addressType(ip(address), -1), AddressType.UNICAST, address);
  const source = (destination: string) => formatLoaded(host.routeOutput(routeKey(destination)).source);
  assert.is(source('10.0.0.77'), '10.0.0.9');
  assert.is(source('10.0.7.7'), '10.0.0.1');
  assert.is(source('192.0.2.77'), '192.0.2.1');
  assert.is(host.routeOutput(routeKey('172.18.0.6')).reason, 'no-route', 'a /32 has no network');
});

Addresses('only a peer is on the link, and only the own end is local', () => {
  const host = hostOf({
    addr: [{ ifname: 'vb', address: '02:00:00:00:00:01', addr_info: [inet('10.9.9.1', 32, { address: '10.9.9.2' })] }],
  });
  assert.is(host.routeOutput(routeKey('10.9.9.2')).source, ip('10.9.9.1'));
  assert.is(host.addressType(ip('10.9.9.1'), -1), AddressType.LOCAL);
  assert.is(host.routeOutput(routeKey('10.9.9.3')).reason, 'no-route');
});

Addresses('an address that is the broadcast address of an earlier network stays one, and has no routes', () => {
  const host = hostOf({ addr: [link('va', '169.254.3.77/30'), link('vb', '169.254.3.79/24')] });
  assert.is(host.addressType(ip('169.254.3.79'), -1), AddressType.BROADCAST);
  assert.is(host.addressType(ip('169.254.3.255'), -1), AddressType.UNICAST);
  assert.is(host.routeOutput(routeKey('169.254.3.1')).reason, 'no-route');
});

Addresses('a route prefers the source in the network of its gateway', () => {
  const source = (gateway: string) => {
    const host = hostOf({ ...MANY, route: [{ dst: 'default', gateway }] });
    return formatLoaded(host.routeOutput(routeKey('8.8.8.8')).source);
  };
  assert.is(source('10.0.0.200'), '10.0.0.9');
  assert.is(source('192.0.2.9'), '192.0.2.1');
});

Addresses('masquerading takes the address near the next hop, the first, or that of another interface', () => {
  const host = hostOf({
    addr: [link('wan', '192.0.2.10/24', '198.51.100.1/24', '192.0.2.11/24'), link('lan', '10.0.0.1/24'), link('bare')],
    route: [{ dst: 'default', gateway: '192.0.2.1', prefsrc: '10.0.0.1' }],
  });
  const masquerade = (dev: string, nextHop: string) =>
    String(host.masqueradeAddress(host.interfaceIndex(dev), ip(nextHop)));
  assert.is(masquerade('wan', '192.0.2.1'), '192.0.2.10', "not the route's src");
  assert.is(masquerade('wan', '198.51.100.7'), '198.51.100.1');
  assert.is(masquerade('wan', '8.8.8.8'), '192.0.2.10');
  assert.is(masquerade('bare', '8.8.8.8'), '192.0.2.10');
  assert.is(masquerade('lo', '127.0.0.1'), '192.0.2.10', 'scope host does not do');
  assert.is(hostOf({ addr: [link('bare')] }).masqueradeAddress(1, ip('8.8.8.8')), undefined);
});

Addresses('redirecting takes the first address of the interface, whatever the destination', () => {
  const host = hostOf({ addr: [link('wan', '192.0.2.10/24', '198.51.100.1/24'), link('bare')] });
  assert.is(String(host.redirectAddress(1)), '192.0.2.10');
  assert.is(host.redirectAddress(2), undefined);
  assert.is(String(host.redirectAddress(host.loopback)), '127.0.0.1');
});

Addresses('next hops have their known MAC, or one derived from the address', () => {
  const host = hostOf({
    addr: [link('wan', '192.0.2.10/24'), link('lan', '10.0.0.1/24')],
    neigh: [
      { dst: '192.0.2.1', dev: 'wan', lladdr: '02:aa:bb:cc:dd:ee' },
      { dst: '192.0.2.2', dev: 'wan', state: ['FAILED'] },
      { dst: 'fe80::1', dev: 'wan', lladdr: '02:00:00:00:00:99' },
    ],
  });
  for (let round = 0; round < 2; round++) {
    assert.is(macOf(host, 'wan', '192.0.2.1'), '02aabbccddee');
    assert.is(macOf(host, 'lan', '192.0.2.1'), '0200c0000201', 'known on the other interface only');
    assert.is(macOf(host, 'wan', '192.0.2.2'), '0200c0000202');
    assert.is(macOf(host, 'lan', '10.0.0.255'), 'ffffffffffff');
    assert.is(macOf(host, 'lan', '255.255.255.255'), 'ffffffffffff');
    assert.is(macOf(host, 'lan', '239.129.2.3'), '01005e010203');
  }
});

Addresses.run();
