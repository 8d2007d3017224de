/** Docker-like hosts and rulesets: bridges, published ports, isolation, in the styles of several Docker versions. */
import { formatIpv4, formatNetwork } from './address.js';
import type { Prng } from './prng.js';
import { neighboursOf } from './random-host.js';
import { type Chain, type Ruleset, type TableName, tableOf } from './random-rules.js';
import type { Subnet, World } from './world.js';

interface Published {
  bridge: Subnet;
  container: number;
  protocol: 'tcp' | 'udp';
  hostPort: number;
  port: number;
}

/** Adds what Docker writes for the bridges among WORLD's subnets: all but the first interface's. */
export function addDockerRules(prng: Prng, world: World, ruleset: Ruleset): void {
  const bridges = bridgesOf(world);
  const published = publish(prng, world, bridges);
  natRules(prng, ruleset, bridges, published);
  if (prng.chance(0.5)) oldFilter(prng, ruleset, bridges, published);
  else newFilter(prng, ruleset, bridges, published);
  hostFirewall(prng, ruleset);
  if (prng.chance(0.2))
    for (const p of published)
      tableOf(ruleset, 'raw')[0].rules.push(`-A PREROUTING -d ${formatIpv4(p.container)} ! -i ${p.bridge.dev} -j DROP`);
}

function bridgesOf(world: World): Subnet[] {
  const outside = world.host.route?.find((route) => route.dst === 'default')?.dev ?? world.host.addr[0].ifname;
  const bridges: Subnet[] = [];
  for (const subnet of world.subnets)
    if (subnet.dev !== outside && neighboursOf(subnet).length > 0 && !bridges.some((other) => other.dev === subnet.dev))
      bridges.push(subnet);
  return bridges;
}

function publish(prng: Prng, world: World, bridges: readonly Subnet[]): Published[] {
  const published: Published[] = [];
  for (const bridge of bridges)
    for (const container of prng.some(neighboursOf(bridge), prng.between(1, 2))) {
      const entry: Published = {
        bridge,
        container,
        protocol: prng.chance(0.75) ? 'tcp' : 'udp',
        hostPort: prng.pick([36_379, 8080, 5000, 5353]) + published.length,
        port: prng.pick([6379, 80, 53, 8080]),
      };
      published.push(entry);
      const protocol = entry.protocol === 'tcp' ? 6 : 17;
      for (const subnet of world.subnets) world.services.push({ address: subnet.own, protocol, port: entry.hostPort });
      world.services.push({ address: container, protocol, port: entry.port });
    }
  return published;
}

function userChain(ruleset: Ruleset, table: TableName, name: string, hooks: string[]): Chain {
  const chain: Chain = { name, isBase: false, hooks: new Set(hooks), policy: '-', rules: [] };
  tableOf(ruleset, table).push(chain);
  return chain;
}

function append(ruleset: Ruleset, table: TableName, ...rules: string[]): void {
  for (const rule of rules)
    tableOf(ruleset, table)
      .find((chain) => rule.startsWith(`-A ${chain.name} `))
      ?.rules.push(rule);
}

function natRules(prng: Prng, ruleset: Ruleset, bridges: readonly Subnet[], published: readonly Published[]): void {
  userChain(ruleset, 'nat', 'DOCKER', ['PREROUTING', 'OUTPUT']);
  const hasProxy = prng.chance(0.7);
  append(
    ruleset,
    'nat',
    '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
    `-A OUTPUT ${hasProxy ? '! -d 127.0.0.0/8 ' : ''}-m addrtype --dst-type LOCAL -j DOCKER`,
  );
  for (const bridge of bridges) {
    append(ruleset, 'nat', `-A POSTROUTING -s ${formatNetwork(bridge.network)} ! -o ${bridge.dev} -j MASQUERADE`);
    if (!hasProxy) append(ruleset, 'nat', `-A POSTROUTING -o ${bridge.dev} -m addrtype --src-type LOCAL -j MASQUERADE`);
    if (hasProxy && prng.chance(0.8)) append(ruleset, 'nat', `-A DOCKER -i ${bridge.dev} -j RETURN`);
  }
  for (const { bridge, container, protocol, hostPort, port } of published) {
    const address = formatIpv4(container);
    append(
      ruleset,
      'nat',
      `-A POSTROUTING -s ${address} -d ${address} -p ${protocol} --dport ${port} -j MASQUERADE`,
      `-A DOCKER ${hasProxy ? `! -i ${bridge.dev} ` : ''}-p ${protocol} --dport ${hostPort} ` +
        `-j DNAT --to-destination ${address}:${port}`,
    );
  }
}

/** Docker up to 27: DOCKER, DOCKER-ISOLATION and friends straight from FORWARD. */
function oldFilter(prng: Prng, ruleset: Ruleset, bridges: readonly Subnet[], published: readonly Published[]): void {
  userChain(ruleset, 'filter', 'DOCKER', ['FORWARD']);
  const stages = prng.chance(0.5);
  userChain(ruleset, 'filter', 'DOCKER-ISOLATION-STAGE-1', ['FORWARD']);
  if (stages) userChain(ruleset, 'filter', 'DOCKER-ISOLATION-STAGE-2', ['FORWARD']);
  userChain(ruleset, 'filter', 'DOCKER-USER', ['FORWARD']);
  append(ruleset, 'filter', '-A FORWARD -j DOCKER-USER', '-A FORWARD -j DOCKER-ISOLATION-STAGE-1');
  for (const { dev } of bridges) {
    append(
      ruleset,
      'filter',
      `-A FORWARD -o ${dev} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `-A FORWARD -o ${dev} -j DOCKER`,
      `-A FORWARD -i ${dev} ! -o ${dev} -j ACCEPT`,
      `-A FORWARD -i ${dev} -o ${dev} -j ${prng.chance(0.8) ? 'ACCEPT' : 'DROP'}`,
    );
    if (stages)
      append(
        ruleset,
        'filter',
        `-A DOCKER-ISOLATION-STAGE-1 -i ${dev} ! -o ${dev} -j DOCKER-ISOLATION-STAGE-2`,
        `-A DOCKER-ISOLATION-STAGE-2 -o ${dev} -j DROP`,
      );
    else
      for (const other of bridges)
        if (other.dev !== dev)
          append(ruleset, 'filter', `-A DOCKER-ISOLATION-STAGE-1 -i ${dev} -o ${other.dev} -j DROP`);
  }
  if (stages) append(ruleset, 'filter', '-A DOCKER-ISOLATION-STAGE-2 -j RETURN');
  append(ruleset, 'filter', '-A DOCKER-ISOLATION-STAGE-1 -j RETURN', '-A DOCKER-USER -j RETURN');
  openPorts(ruleset, published);
}

/** Docker 28: DOCKER-FORWARD with its chains. */
function newFilter(prng: Prng, ruleset: Ruleset, bridges: readonly Subnet[], published: readonly Published[]): void {
  for (const name of ['DOCKER', 'DOCKER-BRIDGE', 'DOCKER-CT', 'DOCKER-FORWARD', 'DOCKER-INTERNAL', 'DOCKER-USER'])
    userChain(ruleset, 'filter', name, ['FORWARD']);
  append(
    ruleset,
    'filter',
    '-A FORWARD -j DOCKER-USER',
    '-A FORWARD -j DOCKER-FORWARD',
    '-A DOCKER-FORWARD -j DOCKER-CT',
    '-A DOCKER-FORWARD -j DOCKER-INTERNAL',
    '-A DOCKER-FORWARD -j DOCKER-BRIDGE',
  );
  openPorts(ruleset, published);
  for (const { dev } of bridges)
    append(
      ruleset,
      'filter',
      `-A DOCKER ! -i ${dev} -o ${dev} -j DROP`,
      `-A DOCKER-BRIDGE -o ${dev} -j DOCKER`,
      `-A DOCKER-CT -o ${dev} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `-A DOCKER-FORWARD -i ${dev} ${prng.chance(0.5) ? '' : `! -o ${dev} `}-j ACCEPT`,
    );
}

function openPorts(ruleset: Ruleset, published: readonly Published[]): void {
  for (const { bridge, container, protocol, port } of published)
    append(
      ruleset,
      'filter',
      `-A DOCKER -d ${formatIpv4(container)} ! -i ${bridge.dev} -o ${bridge.dev} ` +
        `-p ${protocol} --dport ${port} -j ACCEPT`,
    );
}

/** The distribution's rules in INPUT and at the end of FORWARD. */
function hostFirewall(prng: Prng, ruleset: Ruleset): void {
  const [input, forward] = tableOf(ruleset, 'filter');
  if (prng.chance(0.7)) {
    input.rules.push(
      '-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT',
      '-A INPUT -p icmp -j ACCEPT',
      '-A INPUT -i lo -j ACCEPT',
      '-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT',
    );
    input.rules.push(
      prng.pick([
        '-A INPUT -j REJECT --reject-with icmp-host-prohibited',
        '-A INPUT -j DROP',
        '-A INPUT -p tcp -j REJECT --reject-with tcp-reset',
      ]),
    );
  }
  const end = prng.weighted([
    [2, 'reject'],
    [1, 'drop'],
    [1, 'accept'],
  ] as const);
  if (end === 'reject') forward.rules.push('-A FORWARD -j REJECT --reject-with icmp-host-prohibited');
  if (end === 'drop') forward.policy = 'DROP';
}
