/** Names of chains and sets that programs give on every host: they say what wrote the rules, not whose they are. */

const CHAINS: readonly RegExp[] = [
  /^(?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/,
  /^DOCKER(?:-(?:USER|INGRESS|FORWARD|BRIDGE|CT|INTERNAL|ISOLATION|ISOLATION-STAGE-[12]))?$/,
  /^KUBE-(?:SERVICES|NODEPORTS|POSTROUTING|PREROUTING|OUTPUT|INPUT|FORWARD|FIREWALL|CANARY|METADATA-SERVER)$/,
  /^KUBE-(?:MARK-MASQ|MARK-DROP|EXTERNAL-SERVICES|KUBELET-CANARY|PROXY-CANARY|PROXY-FIREWALL|LOAD-BALANCER)$/,
  /^KUBE-(?:NODE-PORT|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER|HOSTPORTS|ROUTER-(?:INPUT|FORWARD|OUTPUT))$/,
  /^CNI-(?:FORWARD|ADMIN|ISOLATION-STAGE-[12]|HOSTPORT-(?:DNAT|SNAT|SETMARK|MASQ))$/,
  /^NETAVARK(?:[_-](?:INPUT|FORWARD|HOSTPORT-(?:DNAT|SETMARK|MASQ)|ISOLATION-[123]|DN))?$/,
  /^FLANNEL-(?:FWD|POSTRTG)$/,
  /^cali-(?:INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING|fip-[sd]nat|nat-outgoing|wl-to-host|cidr-block|rpf-skip)$/,
  /^cali-(?:from|to)-(?:hep-forward|host-endpoint|wl-dispatch(?:-[\da-f])?|endpoint-mark)$/,
  /^cali-(?:failsafe-(?:in|out)|forward-check|forward-endpoint-mark|set-endpoint-mark)$/,
  /^CILIUM_(?:PRE|POST|OUTPUT|INPUT|FORWARD)(?:_(?:nat|mangle|raw|filter))?$/,
  /^ISTIO_(?:INBOUND|OUTPUT|REDIRECT|IN_REDIRECT|DIVERT|TPROXY|DROP)$/,
  /^WEAVE(?:-(?:NPC|NPC-DEFAULT|NPC-INGRESS|NPC-EGRESS|NPC-EGRESS-ACCEPT|NPC-EGRESS-CUSTOM|EXPOSE|CANARY|IPSEC-IN))?$/,
  /^LIBVIRT_(?:INP|OUT|FWI|FWO|FWX|PRT)$/,
  /^ts-(?:input|forward|postrouting|prerouting)$/,
  /^ufw6?-(?:(?:before|after|user)(?:-logging)?|reject|track|skip-to-policy)-(?:input|output|forward)$/,
  /^ufw6?-(?:not-local|logging-(?:deny|allow)|user-limit(?:-accept)?|docker-logging-deny)$/,
  /^(?:INPUT|OUTPUT|FORWARD|FORWARD_IN|FORWARD_OUT)_(?:direct|ZONES|ZONES_SOURCE|POLICIES_(?:pre|post))$/,
  /^(?:PREROUTING|POSTROUTING)_(?:direct|ZONES|ZONES_SOURCE|POLICIES_(?:pre|post))$/,
  /^(?:IN|OUT|FWD[IO]?|PRE|POST)_(?:public|external|internal|trusted|home)(?:_(?:allow|deny|log|pre|post))?$/,
  /^(?:IN|OUT|FWD[IO]?|PRE|POST)_(?:work|dmz|block|drop)(?:_(?:allow|deny|log|pre|post))?$/,
  /^zone_(?:wan6?|lan)(?:_(?:input|output|forward|prerouting|postrouting|nat|helper|MSSFIX))?$/,
  /^zone_(?:wan6?|lan)_(?:src|dest)_(?:ACCEPT|REJECT|DROP)$/,
  /^(?:input|output|forwarding|prerouting|postrouting)_(?:(?:wan6?|lan)_)?rule$/,
  /^(?:syn_flood|reject|handle_reject|MINIUPNPD(?:-POSTROUTING)?)$/,
  /^f2b-(?:sshd|ssh|recidive|nginx|apache|postfix(?:-sasl|-rbl)?|dovecot|vsftpd|proftpd)$/,
  /^f2b-nginx-(?:http-auth|limit-req|botsearch|bad-request|forbidden)$/,
  /^f2b-apache-(?:auth|badbots|botsearch|fakegooglebot|modsecurity|nohome|noscript|overflows|pass|shellshock)$/,
  /^RH-Firewall-1-INPUT$/,
];

const SETS: readonly RegExp[] = [
  /^KUBE-(?:6-)?(?:CLUSTER-IP|LOOP-BACK|EXTERNAL-IP(?:-LOCAL)?|HEALTH-CHECK-NODE-PORT|IPVS-IPS)$/,
  /^KUBE-(?:6-)?(?:LOAD-BALANCER(?:-(?:LOCAL|FW|SOURCE-CIDR|SOURCE-IP))?|NODE-PORT-(?:LOCAL-)?(?:TCP|UDP|SCTP-HASH))$/,
  /^docker-ext-bridges-v[46]$/,
  /^f2b-(?:sshd|ssh|recidive)$/,
  /^cali40(?:all-(?:ipam-pools|hosts-net|vxlan-net)|masq-ipam-pools|this-host)$/,
];

/** Names that go on with a hash or an identifier: what is kept, and of what characters the rest is. */
const HASHED: readonly (readonly [RegExp, string])[] = [
  [/^KUBE-(?:SVC|SEP|FW|XLB|EXT|SVL|POD-FW|NWPLCY|DST|SRC|HP)-/, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'],
  [/^CNI-(?:DN-|SN-)?(?=[0-9a-f]{8})/, '0123456789abcdef'],
  [/^NETAVARK-(?:DN-)?(?=[0-9A-F]{8})/, '0123456789ABCDEF'],
  [/^cali-[a-z]{2,3}-/, '0123456789abcdef'],
  [/^cali40[a-z]:/, 'abcdefghijklmnopqrstuvwxyz0123456789'],
  [/^WEAVE-(?=.{8})/, 'abcdefghijklmnopqrstuvwxyz0123456789'],
];

export type KnownName = 'kept' | { readonly head: string; readonly alphabet: string } | undefined;

export function knownChain(name: string): KnownName {
  return CHAINS.some((one) => one.test(name)) ? 'kept' : hashed(name);
}

export function knownSet(name: string): KnownName {
  return SETS.some((one) => one.test(name)) ? 'kept' : hashed(name);
}

function hashed(name: string): KnownName {
  for (const [head, alphabet] of HASHED) {
    const found = head.exec(name);
    if (found !== null) return { head: found[0], alphabet };
  }
  return undefined;
}
