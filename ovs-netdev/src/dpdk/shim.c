/* The part of DPDK that is not functions: inline calls, bit fields and large structs, behind plain functions.
 *
 * A frame header (128 bytes, see ovs-packet's `Frame`) lies in the private area of each mbuf, right behind the
 * mbuf itself. So either is found from the other by an addition, and packets carry mbufs without a copy. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <rte_config.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_version.h>

#define FRAME 128
#define BURST 32

enum { FACT_CSUM_VALID = 1, FACT_CSUM_BAD = 2, FACT_RSS = 4 };

/* One packet between the two languages. `queue.rs` has the same struct; both check its size. */
struct ovs_dpdk_packet {
    void *frame;
    uint32_t rss;
    uint32_t facts;
    uint16_t start;
    uint16_t len;
    uint32_t reserved;
};
_Static_assert(sizeof(struct ovs_dpdk_packet) == 24, "as in queue.rs");
_Static_assert(sizeof(struct rte_mbuf) % RTE_CACHE_LINE_SIZE == 0, "the frame behind it is aligned");

static inline struct rte_mbuf *mbuf_of(void *frame)
{
    return (struct rte_mbuf *) frame - 1;
}

/* ---- the environment ---- */

static void (*log_sink)(uint32_t level, const char *line, size_t len);

static ssize_t log_write(void *cookie, const char *line, size_t len)
{
    (void) cookie;
    if (log_sink) {
        log_sink((uint32_t) rte_log_cur_msg_loglevel(), line, len);
    }
    return (ssize_t) len;
}

/* Starts the environment; negative errno on failure. The caller's affinity survives it. */
int ovs_dpdk_init(int argc, char **argv, void (*sink)(uint32_t, const char *, size_t))
{
    static const cookie_io_functions_t io = { .write = log_write };
    log_sink = sink;
    FILE *stream = fopencookie(NULL, "w", io);
    if (stream) {
        setvbuf(stream, NULL, _IOLBF, 0);
        rte_openlog_stream(stream);
    }
    cpu_set_t before;
    int saved = pthread_getaffinity_np(pthread_self(), sizeof before, &before);
    int result = rte_eal_init(argc, argv);
    int error = rte_errno;
    if (!saved) {
        pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    }
    if (result < 0) {
        return error ? -error : -EINVAL;
    }
    return 0;
}

const char *ovs_dpdk_version(void)
{
    return rte_version();
}

/* ---- threads: only one that the environment knows has caches of free mbufs ---- */

static pthread_key_t leave_key;
static pthread_once_t leave_once = PTHREAD_ONCE_INIT;
static __thread int joined;

static void leave(void *unused)
{
    (void) unused;
    rte_thread_unregister();
}

static void make_leave_key(void)
{
    pthread_key_create(&leave_key, leave);
}

static inline void join(void)
{
    if (__builtin_expect(joined, 1)) {
        return;
    }
    joined = 1;
    if (rte_lcore_id() == LCORE_ID_ANY && !rte_thread_register()) {
        pthread_once(&leave_once, make_leave_key);
        pthread_setspecific(leave_key, &joined);
    }
}

/* ---- pools ---- */

struct each {
    void (*init)(void *arg, void *frame, void *base, uint32_t len);
    void *arg;
};

static void init_one(struct rte_mempool *pool, void *opaque, void *object, unsigned index)
{
    struct each *each = opaque;
    struct rte_mbuf *mbuf = object;
    (void) pool;
    (void) index;
    each->init(each->arg, mbuf + 1, mbuf->buf_addr, mbuf->buf_len);
}

/* A pool of `count` mbufs with `room` bytes each behind the headroom; `init` makes a frame in each. NULL and
 * `*error` (an errno) on failure. */
void *ovs_dpdk_pool_new(const char *name, uint32_t count, uint16_t room, int socket,
                        void (*init)(void *, void *, void *, uint32_t), void *arg, int *error)
{
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create(name, count, 256, FRAME, (uint16_t) (RTE_PKTMBUF_HEADROOM + room), socket);
    if (!pool) {
        *error = rte_errno;
        return NULL;
    }
    struct each each = { .init = init, .arg = arg };
    rte_mempool_obj_iter(pool, init_one, &each);
    return pool;
}

/* Up to `count` frames of new mbufs; all or none. */
int ovs_dpdk_alloc(void *pool, void **frames, unsigned count)
{
    if (rte_pktmbuf_alloc_bulk(pool, (struct rte_mbuf **) frames, count)) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        frames[i] = (struct rte_mbuf *) frames[i] + 1;
    }
    return 0;
}

/* Gives back up to BURST frames of one pool. Each mbuf is whole: one segment, one reference. */
void ovs_dpdk_free(void *pool, void **frames, unsigned count)
{
    void *mbufs[BURST];
    for (unsigned i = 0; i < count && i < BURST; i++) {
        mbufs[i] = mbuf_of(frames[i]);
    }
    rte_mempool_put_bulk(pool, mbufs, count < BURST ? count : BURST);
}

/* ---- devices ---- */

/* The port of a device that is probed if need be; negative errno. `*attached` tells whether it was probed now. */
int ovs_dpdk_find(const char *devargs, int *attached)
{
    struct rte_dev_iterator iterator;
    uint16_t port = RTE_MAX_ETHPORTS, found;

    *attached = 0;
    if (!rte_eth_dev_get_port_by_name(devargs, &port)) {
        return port;
    }
    char name[RTE_ETH_NAME_MAX_LEN];
    snprintf(name, sizeof name, "%.*s", (int) strcspn(devargs, ","), devargs);
    if (!rte_eth_dev_get_port_by_name(name, &port)) {
        return port;
    }
    int error = rte_dev_probe(devargs);
    if (error < 0) {
        return error;
    }
    *attached = 1;
    if (!rte_eth_dev_get_port_by_name(name, &port)) {
        return port;
    }
    port = RTE_MAX_ETHPORTS;
    RTE_ETH_FOREACH_MATCHING_DEV(found, devargs, &iterator) {
        if (port == RTE_MAX_ETHPORTS) {
            port = found;
        }
    }
    return port == RTE_MAX_ETHPORTS ? -ENODEV : port;
}

struct ovs_dpdk_info {
    uint16_t rx_queues_max, tx_queues_max;
    uint16_t mtu_min, mtu_max;
    uint32_t rx_capabilities_lo, tx_capabilities_lo;
    int32_t socket;
    uint32_t if_index;
    uint8_t mac[6];
    char driver[58];
};

int ovs_dpdk_describe(uint16_t port, struct ovs_dpdk_info *out)
{
    struct rte_eth_dev_info info;
    struct rte_ether_addr mac;
    int error = rte_eth_dev_info_get(port, &info);
    if (error) {
        return error;
    }
    memset(out, 0, sizeof *out);
    if (!rte_eth_macaddr_get(port, &mac)) {
        memcpy(out->mac, mac.addr_bytes, sizeof out->mac);
    }
    out->rx_queues_max = info.max_rx_queues;
    out->tx_queues_max = info.max_tx_queues;
    out->mtu_min = info.min_mtu;
    out->mtu_max = info.max_mtu;
    out->rx_capabilities_lo = (uint32_t) info.rx_offload_capa;
    out->tx_capabilities_lo = (uint32_t) info.tx_offload_capa;
    out->socket = rte_eth_dev_socket_id(port);
    out->if_index = info.if_index;
    snprintf(out->driver, sizeof out->driver, "%s", info.driver_name ? info.driver_name : "");
    return 0;
}

/* Configures and starts a port: queues of `rx_size` and `tx_size` descriptors over mbufs of `pool`. */
int ovs_dpdk_start(uint16_t port, void *pool, uint16_t rx, uint16_t tx, uint16_t rx_size, uint16_t tx_size,
                   uint16_t mtu)
{
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf;
    int error = rte_eth_dev_info_get(port, &info);
    if (error) {
        return error;
    }
    memset(&conf, 0, sizeof conf);
    conf.rxmode.mtu = mtu;
    conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM;
    if (rx > 1) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf =
            (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP) & info.flow_type_rss_offloads;
    }
    if (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE) {
        conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    }
    error = rte_eth_dev_configure(port, rx, tx, &conf);
    if (error == -ENOTSUP && rx > 1) {
        /* A device that spreads packets in a way of its own, as virtio does. */
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
        conf.rx_adv_conf.rss_conf.rss_hf = 0;
        error = rte_eth_dev_configure(port, rx, tx, &conf);
    }
    if (error) {
        return error;
    }
    /* Not every driver can set it; it has been told above. */
    (void) rte_eth_dev_set_mtu(port, mtu);
    (void) rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx_size, &tx_size);
    int socket = rte_eth_dev_socket_id(port);
    for (uint16_t i = 0; i < tx && !error; i++) {
        error = rte_eth_tx_queue_setup(port, i, tx_size, (unsigned) socket, NULL);
    }
    for (uint16_t i = 0; i < rx && !error; i++) {
        error = rte_eth_rx_queue_setup(port, i, rx_size, (unsigned) socket, NULL, pool);
    }
    if (!error) {
        error = rte_eth_dev_start(port);
    }
    if (!error) {
        (void) rte_eth_promiscuous_enable(port);
        (void) rte_eth_allmulticast_enable(port);
    }
    return error;
}

/* Stops and closes a port; with `detach` the device goes from the environment too. */
void ovs_dpdk_close(uint16_t port, int detach)
{
    struct rte_eth_dev_info info;
    struct rte_device *device = rte_eth_dev_info_get(port, &info) ? NULL : info.device;
    (void) rte_eth_dev_stop(port);
    (void) rte_eth_dev_close(port);
    if (detach && device) {
        (void) rte_dev_remove(device);
    }
}

int ovs_dpdk_set_mtu(uint16_t port, uint16_t mtu)
{
    return rte_eth_dev_set_mtu(port, mtu);
}

int ovs_dpdk_set_mac(uint16_t port, const uint8_t *mac)
{
    struct rte_ether_addr address;
    memcpy(address.addr_bytes, mac, sizeof address.addr_bytes);
    return rte_eth_dev_default_mac_addr_set(port, &address);
}

int ovs_dpdk_set_link(uint16_t port, int up)
{
    return up ? rte_eth_dev_set_link_up(port) : rte_eth_dev_set_link_down(port);
}

struct ovs_dpdk_link {
    uint32_t megabits;
    uint8_t up, full_duplex;
};

void ovs_dpdk_link(uint16_t port, struct ovs_dpdk_link *out)
{
    struct rte_eth_link link;
    memset(&link, 0, sizeof link);
    (void) rte_eth_link_get_nowait(port, &link);
    out->megabits = link.link_speed;
    out->up = link.link_status;
    out->full_duplex = link.link_duplex;
}

struct ovs_dpdk_stats {
    uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_missed, rx_errors, tx_errors, rx_no_mbuf;
};

int ovs_dpdk_stats(uint16_t port, struct ovs_dpdk_stats *out)
{
    struct rte_eth_stats stats;
    int error = rte_eth_stats_get(port, &stats);
    if (error) {
        return error;
    }
    *out = (struct ovs_dpdk_stats) {
        .rx_packets = stats.ipackets, .tx_packets = stats.opackets,
        .rx_bytes = stats.ibytes, .tx_bytes = stats.obytes,
        .rx_missed = stats.imissed, .rx_errors = stats.ierrors,
        .tx_errors = stats.oerrors, .rx_no_mbuf = stats.rx_nombuf,
    };
    return 0;
}

/* ---- packets ---- */

static inline uint32_t facts_of(const struct rte_mbuf *mbuf)
{
    uint64_t flags = mbuf->ol_flags;
    uint32_t facts = flags & RTE_MBUF_F_RX_RSS_HASH ? FACT_RSS : 0;
    switch (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
    case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
        return facts | FACT_CSUM_VALID;
    case RTE_MBUF_F_RX_L4_CKSUM_BAD:
        return facts | FACT_CSUM_BAD;
    default:
        return facts;
    }
}

/* Receives up to BURST packets. Chains of segments, which no queue here asks for, are dropped and counted. */
unsigned ovs_dpdk_receive(uint16_t port, uint16_t queue, struct ovs_dpdk_packet *out, unsigned max,
                          uint64_t *unusable)
{
    struct rte_mbuf *mbufs[BURST];
    unsigned kept = 0;

    join();
    unsigned count = rte_eth_rx_burst(port, queue, mbufs, (uint16_t) (max < BURST ? max : BURST));
    for (unsigned i = 0; i < count; i++) {
        /* The frame header is written next, and the data is read soon after. */
        rte_prefetch0(mbufs[i] + 1);
        rte_prefetch0((char *) (mbufs[i] + 1) + 64);
        rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
    }
    for (unsigned i = 0; i < count; i++) {
        struct rte_mbuf *mbuf = mbufs[i];
        if (__builtin_expect(mbuf->nb_segs != 1, 0)) {
            rte_pktmbuf_free(mbuf);
            ++*unusable;
            continue;
        }
        out[kept].frame = mbuf + 1;
        out[kept].start = mbuf->data_off;
        out[kept].len = mbuf->data_len;
        out[kept].facts = facts_of(mbuf);
        out[kept].rss = mbuf->hash.rss;
        kept++;
    }
    return kept;
}

/* Sends packets whose frames are all in mbufs; returns how many the device took. The others stay the caller's. */
unsigned ovs_dpdk_send(uint16_t port, uint16_t queue, const struct ovs_dpdk_packet *packets, unsigned count)
{
    struct rte_mbuf *mbufs[BURST];
    if (count > BURST) {
        count = BURST;
    }
    for (unsigned i = 0; i < count; i++) {
        struct rte_mbuf *mbuf = mbuf_of(packets[i].frame);
        mbuf->data_off = packets[i].start;
        mbuf->data_len = packets[i].len;
        mbuf->pkt_len = packets[i].len;
        mbuf->ol_flags = 0;
        mbufs[i] = mbuf;
    }
    unsigned sent = 0;
    while (sent < count) {
        unsigned now = rte_eth_tx_burst(port, queue, mbufs + sent, (uint16_t) (count - sent));
        if (!now) {
            break;
        }
        sent += now;
    }
    return sent;
}
