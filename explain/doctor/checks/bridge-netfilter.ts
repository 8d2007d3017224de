/** br_netfilter sends what a bridge carries through FORWARD, and rules that are not meant for it block it. */
import { addressFromHostOrder } from '../../../codecs/address.js';
import type { LinkDescription } from '../../../codecs/host/description.js';
import { givenSysctl } from '../../../codecs/host/sysctls.js';
import { Host } from '../../../core/host/host.js';
import { commandHead, commandText, sysctlCommand } from '../../command.js';
import { ruleText } from '../../story/rule-words.js';
import type { Check, Examined, Failure } from '../check.js';
import { isDockerBridge } from '../docker.js';
import { probe } from '../probe.js';

const CODE = 'bridge-netfilter';
const FILTERS_BRIDGES = 'net.bridge.bridge-nf-call-iptables';
/** RFC 2544: addresses that no real network has. */
const NETWORK = 0xc6120000;
const PREFIX_LENGTH = 24;
const [OWN, ONE, OTHER] = [1, 2, 3].map((host) => addressFromHostOrder(NETWORK + host));

export const BRIDGE_NETFILTER: Check = {
  code: CODE,
  needs: [],
  begin: (examined) => ({
    findings() {
      const { description } = examined.host;
      if (givenSysctl(description, FILTERS_BRIDGES) !== 1) return [];
      const masters = new Set(description.links.map(({ master }) => master));
      const bridges = description.links.filter(({ name, kind }) => kind === 'bridge' || masters.has(name));
      // Docker's own are the business of Docker's rules.
      return bridges.filter(({ name }) => !isDockerBridge(name)).flatMap((bridge) => findingOf(bridge, examined));
    },
  }),
};

function findingOf(bridge: LinkDescription, examined: Examined): Failure[] {
  const host = new Host({
    ...examined.host.description,
    // What is on the bridge needs no other routes.
    routes: [],
    rules: undefined,
    links: examined.host.description.links.map((link) => (link === bridge ? withAddress(link) : link)),
  });
  const { name } = bridge;
  const ends = { source: ONE.toString(), destination: OTHER.toString(), sport: 40_000, dport: 80 };
  const record = probe({ ...examined, host }, { dev: name, ...ends });
  const cause = record?.dropped?.cause;
  if (cause?.table !== 'filter') return [];
  const { rule, policy } = cause;
  // A rule that names the bridge is meant for it.
  if (rule !== undefined && (rule.base.inDev !== undefined || rule.base.outDev !== undefined)) return [];
  const by = rule === undefined ? `the policy of ${policy?.name}` : ruleText(rule);
  return [
    {
      message:
        `${FILTERS_BRIDGES} is 1, so packets that ${name} only carries from port to port pass FORWARD as from ` +
        `${name} to ${name}, and ${by} drops them`,
      rules: [rule ?? policy].filter((place) => place !== undefined),
      change:
        `${commandText([...commandHead('filter', '-I', 'FORWARD'), '-i', name, '-o', name, '-j', 'ACCEPT'])}, or ` +
        `${sysctlCommand(FILTERS_BRIDGES, 0)} if no rules are meant for bridges`,
    },
  ];
}

function withAddress(link: LinkDescription): LinkDescription {
  const own = {
    path: '',
    local: OWN,
    peer: OWN,
    prefixLength: PREFIX_LENGTH,
    broadcast: undefined,
    scope: 0,
    metric: 0,
    isWithoutRoute: false,
  };
  return { ...link, addresses: [...link.addresses, own] };
}
