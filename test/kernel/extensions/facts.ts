/** Extensions that ask about the host: its routes, its interfaces, and what no capture holds. */
import type { Prng } from '../prng.js';
import { devicesOf, type World } from '../world.js';
import { type ExtensionFamily, not } from './maker.js';

const ROUTED_HOOKS = ['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
const REALMS = ['1', '2', '0x10'];
const GROUPS = ['1', '2', '0x10'];
/** That of the source is in the upper 16 bits. */
const ASKED_REALMS = [...REALMS, '0', '0x10000', '0x20001', '0x20000'];

/** Gives routes, rules and interfaces what rules ask about. */
function describe(prng: Prng, { host }: World): void {
  for (const link of host.addr) if (link.ifname !== 'lo' && prng.chance(0.6)) link.group = prng.pick(GROUPS);
  for (const route of host.route ?? []) {
    if (route.nexthops !== undefined || route.gateway === undefined || !prng.chance(0.6)) continue;
    route.flow = { ...(prng.chance(0.2) ? { from: prng.pick(REALMS) } : {}), to: prng.pick(REALMS) };
  }
  for (const rule of host.rule ?? []) {
    if (rule.action !== undefined || rule.not !== undefined || !prng.chance(0.3)) continue;
    rule.flow_to = prng.pick(REALMS);
    if (prng.chance(0.4)) rule.flow_from = prng.pick(REALMS);
  }
}

const masked = (prng: Prng, values: readonly string[], masks: readonly string[]): string =>
  `${prng.pick(values)}${prng.chance(0.4) ? `/${prng.pick(masks)}` : ''}`;

function rpfilterText(prng: Prng): string {
  const flags = ['--loose', '--validmark', '--accept-local', '--invert'].filter(() => prng.chance(0.4));
  return ['-m rpfilter', ...flags].join(' ');
}

function physdevText(prng: Prng, world: World): string {
  const device = prng.pick([...devicesOf(world), 'e+', '+']);
  const options = [`--physdev-in ${device}`, '--physdev-is-in', `--physdev-out ${device}`, '--physdev-is-bridged'];
  // Of a packet that crosses no bridge all that is asked is false.
  return `-m physdev ${prng
    .some(options, prng.between(1, 2))
    .map((option) => `${prng.chance(0.7) ? '! ' : ''}${option}`)
    .join(' ')}`;
}

export const FACTS: ExtensionFamily = {
  name: 'facts',
  matches: [
    { name: 'cpu', weight: 0.5, make: ({ prng }) => `-m cpu ${not(prng)}--cpu 70` },
    {
      name: 'devgroup',
      weight: 2,
      hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
      make: ({ prng }) =>
        `-m devgroup ${not(prng)}--src-group ${masked(prng, [...GROUPS, '0', '3'], ['1', '0x12', '0'])}`,
    },
    {
      name: 'devgroup',
      weight: 2,
      hooks: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
      make: ({ prng }) =>
        `-m devgroup ${not(prng)}--dst-group ${masked(prng, [...GROUPS, '0', '3'], ['1', '0x12', '0'])}`,
    },
    {
      name: 'physdev',
      weight: 1,
      hooks: ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'],
      make: ({ prng, world }) => physdevText(prng, world),
    },
    {
      name: 'policy',
      weight: 1,
      hooks: ['PREROUTING', 'INPUT', 'FORWARD'],
      make: ({ prng }) => `-m policy --dir in --pol ${prng.pick(['none', 'ipsec', 'ipsec --proto esp'])}`,
    },
    {
      name: 'policy',
      weight: 1,
      hooks: ['FORWARD', 'OUTPUT', 'POSTROUTING'],
      make: ({ prng }) => `-m policy --dir out --pol ${prng.pick(['none', 'ipsec', 'ipsec --mode tunnel'])}`,
    },
    {
      name: 'realm',
      weight: 4,
      hooks: ROUTED_HOOKS,
      make: ({ prng }) => `-m realm ${not(prng)}--realm ${masked(prng, ASKED_REALMS, ['0xffff', '0xffff0000', '3'])}`,
    },
    {
      name: 'rpfilter',
      weight: 4,
      tables: ['raw', 'mangle'],
      hooks: ['PREROUTING'],
      make: ({ prng }) => rpfilterText(prng),
    },
  ],
  targets: [],
  describe,
};
