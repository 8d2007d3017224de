/** Which members compose files have, by generation of compose. */
import type { ComposeGeneration } from './scalar-type.js';

type Members = Readonly<Record<ComposeGeneration, readonly string[]>>;

const TOP = ['version', 'services', 'networks', 'volumes', 'secrets', 'configs'];
export const TOP_MEMBERS: Members = { 1: TOP, 2: [...TOP, 'name', 'include', 'models'] };

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Of 1.29, which reads all files of version 2 and 3 alike. */
const SERVICE_1 = words(`
  blkio_config build cap_add cap_drop cgroup_parent command configs container_name cpu_count cpu_percent cpu_period
  cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy device_cgroup_rules
  devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends external_links extra_hosts
  group_add healthcheck hostname image init ipc isolation labels links logging mac_address mem_limit mem_reservation
  mem_swappiness memswap_limit network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports
  privileged profiles pull_policy read_only restart runtime scale secrets security_opt shm_size stdin_open
  stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits user userns_mode volumes volumes_from working_dir
`);

const SERVICE_2 = words(`
  annotations attach cgroup develop gpus label_file models post_start pre_start pre_stop provider pull_refresh_after
  use_api_socket uts
`);
export const SERVICE_MEMBERS: Members = { 1: SERVICE_1, 2: [...SERVICE_1, ...SERVICE_2] };

/** Of files of version 1, which have no `services`. */
export const SERVICE_MEMBERS_V1 = words(`
  build cap_add cap_drop cgroup_parent command container_name cpu_quota cpu_shares cpuset devices dns dns_search
  dockerfile domainname entrypoint env_file environment expose extends external_links extra_hosts hostname image ipc
  labels links log_driver log_opt mac_address mem_limit mem_swappiness memswap_limit net pid ports privileged read_only
  restart security_opt shm_size stdin_open stop_signal tty ulimits user volume_driver volumes volumes_from working_dir
`);

/** Those that decide about the network of a host, or which containers there are. */
export const NETWORK_MEMBERS: readonly string[] = words(`
  container_name deploy depends_on expose extends external_links hostname image links mac_address net network_mode
  networks ports profiles restart scale
`);

const ENDPOINT = ['aliases', 'ipv4_address', 'ipv6_address', 'link_local_ips', 'priority'];
/** Of a network of a service. */
export const ENDPOINT_MEMBERS: Members = {
  1: ENDPOINT,
  2: [...ENDPOINT, 'driver_opts', 'gw_priority', 'interface_name', 'mac_address'],
};

const NETWORK = [
  'name',
  'driver',
  'driver_opts',
  'ipam',
  'external',
  'internal',
  'enable_ipv6',
  'attachable',
  'labels',
];
export const NETWORK_SECTION_MEMBERS: Members = { 1: NETWORK, 2: [...NETWORK, 'enable_ipv4'] };
export const IPAM_MEMBERS = ['driver', 'config', 'options'];
export const POOL_MEMBERS = ['subnet', 'ip_range', 'gateway', 'aux_addresses'];

export const DEPLOY_MEMBERS = words(`
  mode endpoint_mode replicas labels rollback_config update_config resources restart_policy placement
`);
export const DEPENDENCY_MEMBERS: Members = { 1: ['condition'], 2: ['condition', 'restart', 'required'] };
