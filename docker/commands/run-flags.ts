/** The options of `docker run` and `docker create`: those of docker 20.10 to 29. */
import { type FlagTable, flagTable } from './flags.js';

/** Those whose values decide what the container is to the network, and all others, which are accepted. */
export const RUN_FLAGS = flagTable(`
      --expose list
  -h, --hostname string
      --ip string
      --ip6 string
  -l, --label list
      --label-file list
      --link list
      --link-local-ip list
      --mac-address string
      --name string
      --network list
      --net list
      --network-alias list
      --net-alias list
  -p, --publish list
  -P, --publish-all
      --restart string
      --rm
      --help

      --add-host list
      --annotation map
  -a, --attach list
      --blkio-weight uint16
      --blkio-weight-device list
      --cap-add list
      --cap-drop list
      --cgroup-parent string
      --cgroupns string
      --cidfile string
      --cpu-count int
      --cpu-percent int
      --cpu-period int
      --cpu-quota int
      --cpu-rt-period int
      --cpu-rt-runtime int
  -c, --cpu-shares int
      --cpus decimal
      --cpuset-cpus string
      --cpuset-mems string
  -d, --detach
      --detach-keys string
      --device list
      --device-cgroup-rule list
      --device-read-bps list
      --device-read-iops list
      --device-write-bps list
      --device-write-iops list
      --disable-content-trust
      --dns list
      --dns-opt list
      --dns-option list
      --dns-search list
      --domainname string
      --entrypoint string
  -e, --env list
      --env-file list
      --gpus list
      --group-add list
      --health-cmd string
      --health-interval duration
      --health-retries int
      --health-start-interval duration
      --health-start-period duration
      --health-timeout duration
      --init
  -i, --interactive
      --io-maxbandwidth bytes
      --io-maxiops uint
      --ipc string
      --isolation string
      --kernel-memory bytes
      --log-driver string
      --log-opt list
  -m, --memory bytes
      --memory-reservation bytes
      --memory-swap bytes
      --memory-swappiness int
      --mount list
      --no-healthcheck
      --oom-kill-disable
      --oom-score-adj int
      --pid string
      --pids-limit int
      --platform string
      --privileged
      --pull string
  -q, --quiet
      --read-only
      --runtime string
      --security-opt list
      --shm-size bytes
      --sig-proxy
      --stop-signal string
      --stop-timeout int
      --storage-opt list
      --sysctl map
      --tmpfs list
  -t, --tty
      --ulimit ulimit
      --use-api-socket
  -u, --user string
      --userns string
      --uts string
  -v, --volume list
      --volume-driver string
      --volumes-from list
  -w, --workdir string
`);

/** Those of `docker create`, which attaches to nothing. */
export const CREATE_FLAGS: FlagTable = new Map(
  [...RUN_FLAGS].filter(([name]) => !['detach', 'detach-keys', 'sig-proxy'].includes(name)),
);
