/** Docker's rules are gone, as after a restart of iptables or firewalld, and others block its networks. */
import type { DropCause } from '../../../core/drop.js';
import type { Bridge } from '../../../core/rules/guess/docker-guess.js';
import type { Rule, Ruleset } from '../../../core/rules/model.js';
import { dockerBridges } from '../../../replay/docker-bridges.js';
import type { RulePlace } from '../../findings.js';
import type { Check, Examined } from '../check.js';
import { isDockerBridge } from '../docker.js';
import { ShownPackets } from '../evidence.js';
import type { PacketRecord } from '../packet-record.js';
import { probe } from '../probe.js';
import { natRange } from '../rule-lookup.js';
import { packetText } from '../words.js';

const CODE = 'docker-rules-gone';
/** An address of documentation (RFC 5737), in place of anywhere. */
const ELSEWHERE = '198.51.100.1';

export const DOCKER_RULES_GONE: Check = {
  code: CODE,
  needs: [],
  begin(examined) {
    const packets = new ShownPackets();
    const rules = new Set<RulePlace>();
    let first: PacketRecord | undefined;
    const bridges = dockerBridges(examined.host.description).filter((bridge) => isDockerBridge(bridge.name));
    const isDockers = (dev: string | undefined) => bridges.some(({ name }) => name === dev);
    return {
      follow(record) {
        if (bridges.length === 0 || areCaredFor(bridges, examined.current())) return;
        const { dropped, inDev, routed } = record;
        const isBlocked = dropped?.cause.table === 'filter' && routed?.to === 'interface';
        if (!isBlocked || !(isDockers(inDev) || isDockers(routed.dev))) return;
        first ??= record;
        addPlace(rules, dropped.cause);
        packets.add(record);
      },
      findings() {
        if (bridges.length === 0 || areCaredFor(bridges, examined.current())) return [];
        // Rules of somebody's own may block some packets of the bridge, and let others pass.
        const probed = bridges.map((bridge) => probeFrom(bridge, examined)).find(isBlockedInFilter);
        if (probed === undefined) return [];
        const blocked = first ?? probed;
        const cause = blocked.dropped?.cause;
        if (cause !== undefined) addPlace(rules, cause);
        const by = cause?.rule === undefined ? 'the policy of FORWARD drops' : 'FORWARD blocks';
        return [
          {
            message:
              `the host has Docker's ${bridges.map(({ name }) => name).join(', ')}, and its rules have none of ` +
              `Docker's chains: ${by} ${packetText(blocked)}, and nothing is published or masqueraded`,
            rules: [...rules],
            packets,
            change:
              'systemctl restart docker: Docker writes its rules when it starts, as after each restart of iptables',
          },
        ];
      },
    };
  },
};

/** Whether RULESET has Docker's chains, or other rules that are about BRIDGES. */
function areCaredFor(bridges: readonly Bridge[], { tables }: Ruleset): boolean {
  return tables.some(({ chains, rules }) => {
    if (chains.some(({ name }) => name.startsWith('DOCKER'))) return true;
    return rules.some((rule) => bridges.some((bridge) => isAbout(rule, bridge)));
  });
}

function isAbout(rule: Rule, { name, contains }: Bridge): boolean {
  const { inDev, outDev, source, destination } = rule.base;
  if (inDev?.name === name || outDev?.name === name) return true;
  const addresses = [source?.address, destination?.address, natRange(rule)?.minAddress];
  return addresses.some((address) => address !== undefined && contains(address.toString()));
}

function addPlace(places: Set<RulePlace>, { rule, policy }: DropCause): void {
  const place = rule ?? policy;
  if (place !== undefined) places.add(place);
}

function isBlockedInFilter(record: PacketRecord | undefined): record is PacketRecord {
  return record?.dropped?.cause.table === 'filter';
}

/** A connection from a container in the network of BRIDGE to elsewhere. */
function probeFrom({ name, network }: { name: string; network: string }, examined: Examined): PacketRecord | undefined {
  const [a, b, c, d] = network.split('/')[0].split('.').map(Number);
  const source = [a, b, c, d + 2].join('.');
  return probe(examined, { dev: name, source, destination: ELSEWHERE, sport: 40_000, dport: 443 });
}
