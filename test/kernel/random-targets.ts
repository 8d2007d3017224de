/** Random targets of a rule. */
import { formatIpv4 } from './address.js';
import type { Prng } from './prng.js';
import { markText } from './random-matches.js';
import type { TableName } from './random-rules.js';
import type { World } from './world.js';

/** All types of REJECT for IPv4; tcp-reset requires `-p tcp`. */
const REJECTS = [
  'icmp-net-unreachable',
  'icmp-host-unreachable',
  'icmp-proto-unreachable',
  'icmp-port-unreachable',
  'icmp-net-prohibited',
  'icmp-host-prohibited',
  'icmp-admin-prohibited',
];

/** A target that TABLE allows in a chain reached from HOOKS, in a rule that requires PROTOCOL. */
export function randomTarget(
  prng: Prng,
  world: World,
  table: TableName,
  hooks: ReadonlySet<string>,
  protocol: string,
): string {
  const only = (...names: string[]): boolean => [...hooks].every((hook) => names.includes(hook));
  const hasPorts = protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp';
  const isNat = table === 'nat';
  return prng.weighted<() => string>([
    [isNat ? 0.7 : 2, () => '-j ACCEPT'],
    [isNat ? 0 : table === 'filter' ? 1.2 : 0.25, () => '-j DROP'],
    [1, () => '-j RETURN'],
    [isNat ? 1 : 3, () => ''],
    [0.5, () => logTarget(prng)],
    [
      table === 'filter' && only('INPUT', 'FORWARD', 'OUTPUT') ? 1.6 : 0,
      () => `-j REJECT --reject-with ${protocol === 'tcp' && prng.chance(0.6) ? 'tcp-reset' : prng.pick(REJECTS)}`,
    ],
    [
      isNat && only('PREROUTING', 'OUTPUT') ? 5 : 0,
      () => `-j DNAT --to-destination ${dnatRange(prng, world, hasPorts)}`,
    ],
    [
      isNat && only('PREROUTING', 'OUTPUT') ? 1.5 : 0,
      () => `-j REDIRECT${hasPorts && prng.chance(0.7) ? ` --to-ports ${portRange(prng, world)}` : ''}`,
    ],
    [
      isNat && only('POSTROUTING') ? 4 : 0,
      () => `-j MASQUERADE${hasPorts && prng.chance(0.12) ? ` --to-ports ${wideRange(prng)}` : ''}${random(prng)}`,
    ],
    [isNat && only('POSTROUTING', 'INPUT') ? 3 : 0, () => `-j SNAT --to-source ${snatRange(prng, world, hasPorts)}`],
    [
      table === 'mangle' ? 3 : 0.2,
      () =>
        `-j MARK ${prng.weighted([
          [3, `--set-xmark ${markText(prng)}`],
          [1, '--or-mark 0x4'],
          [1, '--and-mark 0xfffe'],
          [1, '--xor-mark 0x3'],
        ])}`,
    ],
    [table === 'mangle' ? 2 : 0.2, () => `-j CONNMARK ${connmark(prng)}`],
  ])();
}

function logTarget(prng: Prng): string {
  return [
    '-j LOG',
    // The kernel's log is shared by all hosts: the prefix tells which one it was.
    `--log-prefix "L${prng.word()} "`,
    ...(prng.chance(0.3) ? [`--log-level ${prng.pick([0, 4, 7])}`] : []),
    ...(prng.chance(0.2) ? ['--log-tcp-options'] : []),
    ...(prng.chance(0.2) ? ['--log-ip-options'] : []),
  ].join(' ');
}

/** Rare, because the kernel then chooses a random port. */
const random = (prng: Prng): string =>
  prng.weighted([
    [60, ''],
    [1, ' --random'],
    [1, ' --random-fully'],
  ]);

function dnatRange(prng: Prng, world: World, hasPorts: boolean): string {
  const text = addressRange(prng, world);
  const ports = hasPorts && prng.chance(0.6) ? `:${portRange(prng, world)}` : '';
  return `${text}${ports}${prng.chance(0.05) ? ' --persistent' : ''}`;
}

function snatRange(prng: Prng, world: World, hasPorts: boolean): string {
  const ports = hasPorts && prng.chance(0.2) ? `:${wideRange(prng)}` : '';
  return `${addressRange(prng, world)}${ports}${random(prng)}${prng.chance(0.1) ? ' --persistent' : ''}`;
}

function addressRange(prng: Prng, world: World): string {
  const first = prng.pick(world.parties).address;
  return prng.chance(0.2) ? `${formatIpv4(first)}-${formatIpv4(first + prng.between(1, 5))}` : formatIpv4(first);
}

function portRange(prng: Prng, world: World): string {
  const port = prng.pick(world.ports);
  return prng.chance(0.2) ? `${port}-${port + prng.between(1, 3)}` : `${port}`;
}

/** A range that already includes most source ports: for ports outside it the kernel starts at a random one. */
const wideRange = (prng: Prng): string => prng.pick(['1024-65535', '40000-40003', '30000-50000', '40000']);

function connmark(prng: Prng): string {
  return prng.weighted([
    [2, `--set-xmark ${markText(prng)}`],
    [1, `--set-mark ${markText(prng)}`],
    [2, '--save-mark'],
    [2, '--restore-mark'],
    [1, '--save-mark --nfmask 0xff --ctmask 0xf'],
    [1, '--restore-mark --nfmask 0xf --ctmask 0xff'],
    [0.5, '--restore-mark --mask 0x3'],
    [0.5, '--or-mark 0x10'],
  ]);
}
