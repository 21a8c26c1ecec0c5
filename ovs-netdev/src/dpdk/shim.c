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
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_tcp.h>
#include <rte_version.h>

#define FRAME 128
#define BURST 32

enum { FACT_CSUM_VALID = 1, FACT_CSUM_BAD = 2, FACT_RSS = 4,
       /* The mbuf is the first of several; their bytes are told together. */
       FACT_CHAIN = 8,
       /* Work that is left to the device. */
       FACT_IPV6 = 16, FACT_TCP_CSUM = 32, FACT_UDP_CSUM = 64, FACT_TSO = 128,
       FACT_IP_CSUM = 256 };

/* One packet between the two languages. `queue.rs` has the same struct; both check its size. */
struct ovs_dpdk_packet {
    void *frame;
    uint32_t rss;
    uint32_t facts;
    uint16_t start;
    uint16_t segment;
    uint32_t len;
    uint16_t l2, l3, l4, reserved;
};
_Static_assert(sizeof(struct ovs_dpdk_packet) == 32, "as in queue.rs");
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
    uint32_t segments_max;
    int32_t socket;
    uint32_t if_index;
    uint8_t mac[6];
    char driver[54];
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
    /* Some drivers tell this limit alone. */
    if (info.max_rx_pktlen < (uint32_t) info.max_mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN) {
        out->mtu_max = (uint16_t) (info.max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN);
    }
    out->rx_capabilities_lo = (uint32_t) info.rx_offload_capa;
    out->tx_capabilities_lo = (uint32_t) info.tx_offload_capa;
    out->segments_max = info.tx_desc_lim.nb_seg_max;
    out->socket = rte_eth_dev_socket_id(port);
    out->if_index = info.if_index;
    snprintf(out->driver, sizeof out->driver, "%s", info.driver_name ? info.driver_name : "");
    return 0;
}

/* Work that a device does which can. */
#define TX_WANTED                                                                                       \
    (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |       \
     RTE_ETH_TX_OFFLOAD_TCP_TSO)

/* Configures and starts a port: queues of `rx_size` and `tx_size` descriptors over mbufs of `pool`; with `large`, for
 * packets of several mbufs. */
int ovs_dpdk_start(uint16_t port, void *pool, uint16_t rx, uint16_t tx, uint16_t rx_size, uint16_t tx_size,
                   uint16_t mtu, int large)
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
    if (large) {
        conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
    }
    if (rx > 1) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf =
            (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP) & info.flow_type_rss_offloads;
    }
    conf.txmode.offloads = info.tx_offload_capa & TX_WANTED;
    if (large || conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO) {
        conf.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    }
    if (rte_socket_count() == 1) {
        /* With several nodes, mbufs of several pools leave by one queue. */
        conf.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
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

/* Receives up to BURST packets. Those of several mbufs are marked so, and are the caller's to gather and free. */
unsigned ovs_dpdk_receive(uint16_t port, uint16_t queue, struct ovs_dpdk_packet *out, unsigned max)
{
    struct rte_mbuf *mbufs[BURST];

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
        out[i].frame = mbuf + 1;
        out[i].start = mbuf->data_off;
        out[i].len = mbuf->pkt_len;
        out[i].facts = facts_of(mbuf) | (mbuf->nb_segs == 1 ? 0 : FACT_CHAIN);
        out[i].rss = mbuf->hash.rss;
    }
    return count;
}

/* Copies the first `len` bytes of a chain. */
void ovs_dpdk_gather(void *frame, uint8_t *to, uint32_t len)
{
    for (const struct rte_mbuf *at = mbuf_of(frame); at && len; at = at->next) {
        uint32_t part = at->data_len < len ? at->data_len : len;
        memcpy(to, rte_pktmbuf_mtod(at, const void *), part);
        to += part;
        len -= part;
    }
}

/* Frees a chain. */
void ovs_dpdk_free_chain(void *frame)
{
    rte_pktmbuf_free(mbuf_of(frame));
}

/* A chain of new mbufs with these bytes: the frame of its first; NULL if there are not enough mbufs. */
void *ovs_dpdk_chain(void *pool, const uint8_t *from, uint32_t len)
{
    struct rte_mbuf *head = NULL, **link = &head;
    do {
        struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
        if (!mbuf) {
            rte_pktmbuf_free(head);
            return NULL;
        }
        uint32_t room = rte_pktmbuf_tailroom(mbuf);
        uint32_t part = len < room ? len : room;
        memcpy(rte_pktmbuf_mtod(mbuf, void *), from, part);
        mbuf->data_len = (uint16_t) part;
        *link = mbuf;
        link = &mbuf->next;
        if (mbuf != head) {
            head->nb_segs++;
        }
        head->pkt_len += part;
        from += part;
        len -= part;
    } while (len);
    return head + 1;
}

/* The pseudo-header's sum as a device wants it that cuts: without the length. `ip` begins the network header. */
static void prepare_cut(struct rte_mbuf *mbuf, const struct ovs_dpdk_packet *packet)
{
    if (mbuf->data_len < packet->l2 + packet->l3 + packet->l4) {
        return;
    }
    void *ip = rte_pktmbuf_mtod_offset(mbuf, void *, packet->l2);
    struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(mbuf, struct rte_tcp_hdr *, packet->l2 + packet->l3);
    if (packet->facts & FACT_IPV6) {
        tcp->cksum = rte_ipv6_phdr_cksum(ip, mbuf->ol_flags);
    } else {
        if (packet->facts & FACT_IP_CSUM) {
            ((struct rte_ipv4_hdr *) ip)->hdr_checksum = 0;
        }
        tcp->cksum = rte_ipv4_phdr_cksum(ip, mbuf->ol_flags);
    }
}

/* Says in an mbuf what work is left to the device. */
static void leave_work(struct rte_mbuf *mbuf, const struct ovs_dpdk_packet *packet)
{
    uint32_t facts = packet->facts;
    mbuf->l2_len = packet->l2;
    mbuf->l3_len = packet->l3;
    mbuf->ol_flags |= facts & FACT_IPV6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    if (facts & FACT_TSO) {
        mbuf->l4_len = packet->l4;
        mbuf->tso_segsz = packet->segment;
        mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
        mbuf->ol_flags |= facts & FACT_IP_CSUM ? RTE_MBUF_F_TX_IP_CKSUM : 0;
        prepare_cut(mbuf, packet);
    } else {
        mbuf->ol_flags |= facts & FACT_TCP_CSUM ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
    }
}

/* Sends packets whose frames are all in mbufs; returns how many the device took. The others stay the caller's; the
 * first of them is one that the device can never take if `*bad`. */
unsigned ovs_dpdk_send(uint16_t port, uint16_t queue, const struct ovs_dpdk_packet *packets, unsigned count, int *bad)
{
    struct rte_mbuf *mbufs[BURST];
    uint32_t work = 0;
    if (count > BURST) {
        count = BURST;
    }
    for (unsigned i = 0; i < count; i++) {
        struct rte_mbuf *mbuf = mbuf_of(packets[i].frame);
        mbuf->ol_flags = 0;
        if (__builtin_expect(!(packets[i].facts & FACT_CHAIN), 1)) {
            mbuf->data_off = packets[i].start;
            mbuf->data_len = (uint16_t) packets[i].len;
            mbuf->pkt_len = packets[i].len;
        }
        uint32_t left = packets[i].facts & (FACT_TCP_CSUM | FACT_UDP_CSUM | FACT_TSO);
        if (__builtin_expect(left, 0)) {
            leave_work(mbuf, &packets[i]);
            work |= left;
        }
        mbufs[i] = mbuf;
    }
    /* Drivers want some of the work begun. */
    unsigned ready = work ? rte_eth_tx_prepare(port, queue, mbufs, (uint16_t) count) : count;
    unsigned sent = 0;
    while (sent < ready) {
        unsigned now = rte_eth_tx_burst(port, queue, mbufs + sent, (uint16_t) (ready - sent));
        if (!now) {
            break;
        }
        sent += now;
    }
    *bad = sent == ready && ready < count;
    return sent;
}
