/** The options of dockerd: those of 1.12 to 29. */
import { flagTable } from './flags.js';

export const DOCKERD_FLAGS = flagTable(`
      --allow-direct-routing
      --bip string
      --bip6 string
  -b, --bridge string
      --bridge-accept-fwmark string
      --config-file string
      --default-address-pool list
      --default-gateway ip
      --default-gateway-v6 ip
      --default-network-opt list
      --firewall-backend string
      --fixed-cidr string
      --fixed-cidr-v6 string
      --help
      --icc
      --ip ip
      --ip-forward
      --ip-forward-no-drop
      --ip-masq
      --ip6tables
      --iptables
      --ipv6
      --live-restore
      --mtu int
      --rootless
      --userland-proxy
      --validate
  -v, --version

      --add-runtime list
      --allow-nondistributable-artifacts list
      --api-cors-header string
      --api-enable-cors
      --authorization-plugin list
      --cdi-spec-dir list
      --cgroup-parent string
      --cluster-advertise string
      --cluster-store string
      --cluster-store-opt list
      --containerd string
      --containerd-namespace string
      --containerd-plugins-namespace string
      --cpu-rt-period int
      --cpu-rt-runtime int
      --cri-containerd
      --data-root string
  -D, --debug
      --default-cgroupns-mode string
      --default-ipc-mode string
      --default-runtime string
      --default-shm-size bytes
      --default-stop-timeout int
      --default-ulimit ulimit
      --disable-legacy-registry
      --dns list
      --dns-opt list
      --dns-search list
      --exec-opt list
      --exec-root string
      --experimental
      --feature list
  -g, --graph string
  -G, --group string
  -H, --host list
      --host-gateway-ip list
      --http-proxy string
      --https-proxy string
      --init
      --init-path string
      --insecure-registry list
      --label list
      --log-driver string
      --log-format string
  -l, --log-level string
      --log-opt list
      --max-concurrent-downloads int
      --max-concurrent-uploads int
      --max-download-attempts int
      --metrics-addr string
      --network-control-plane-mtu int
      --network-diagnostic-port int
      --no-new-privileges
      --no-proxy string
      --node-generic-resource list
      --nri-opts list
      --oom-score-adjust int
  -p, --pidfile string
      --raw-logs
      --registry-mirror list
  -r, --restart
      --seccomp-profile string
      --selinux-enabled
      --shutdown-timeout int
  -s, --storage-driver string
      --storage-opt list
      --swarm-default-advertise-addr string
      --tls
      --tlscacert string
      --tlscert string
      --tlskey string
      --tlsverify
      --userland-proxy-path string
      --userns-remap string
`);

/** What lists of options are called in daemon.json. */
export const IN_FILE: Readonly<Record<string, string>> = {
  'add-runtime': 'runtimes',
  'authorization-plugin': 'authorization-plugins',
  'cdi-spec-dir': 'cdi-spec-dirs',
  'cluster-store-opt': 'cluster-store-opts',
  'containerd-plugins-namespace': 'containerd-plugin-namespace',
  'default-address-pool': 'default-address-pools',
  'default-network-opt': 'default-network-opts',
  'default-ulimit': 'default-ulimits',
  'dns-opt': 'dns-opts',
  'exec-opt': 'exec-opts',
  feature: 'features',
  host: 'hosts',
  'insecure-registry': 'insecure-registries',
  label: 'labels',
  'log-opt': 'log-opts',
  'node-generic-resource': 'node-generic-resources',
  'registry-mirror': 'registry-mirrors',
  'storage-opt': 'storage-opts',
};

/** Members of daemon.json that are no options. */
export const ONLY_IN_FILE: readonly string[] = [
  ...['builder', 'proxies', 'resolv-conf', 'default-init', 'host-gateway-ips', 'min-api-version'],
  ...['swarm-raft-heartbeat-tick', 'swarm-raft-election-tick', 'deprecated-key-path'],
];
