/*
 * WebSocket clients of a port of 127.0.0.1, on one thread:
 *
 *   wsclient PORT echo CONNECTIONS MESSAGES SIZE     each sends SIZE bytes, and again when as many have come back
 *   wsclient PORT upgrade CONNECTIONS UPGRADES       each connects, is answered with 101, sends Close and awaits the end
 *   wsclient PORT hear CONNECTIONS ROUNDS SIZE       they listen; one more says so and each hears SIZE bytes
 *
 * Payload is counted, however it is cut into frames. Prints {"seconds": ...}, from when all are connected.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { buffer_size = 1 << 20 };

struct connection {
  int fd, have, need;         /* bytes of a frame's header so far, and how many it has */
  unsigned char header[10];
  uint64_t payload;           /* of the frame, still to come */
  size_t left;                /* still to hear until it is its turn */
};

static const char opening[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: binary\r\n\r\n";
static const unsigned char closing[] = {0x88, 0x82, 1, 2, 3, 4, 3 ^ 1, 0xe8 ^ 2};

static char buffer[buffer_size];
static unsigned char *frame;
static size_t frame_length;
static struct sockaddr_in to = {.sin_family = AF_INET};
static int events;

static void fail(const char *why) {
  fprintf(stderr, "wsclient: %s\n", why);
  exit(1);
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static void say(int fd, const void *data, size_t length) {
  while (length > 0) {
    ssize_t sent = write(fd, data, length);
    if (sent <= 0) fail("cannot send");
    data = (const char *)data + sent;
    length -= sent;
  }
}

static void dial(struct connection *one) {
  int on = 1;
  one->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(one->fd, (struct sockaddr *)&to, sizeof to) < 0) fail("cannot connect");
  setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  one->have = 0;
  one->need = 2;
  one->payload = 0;
  say(one->fd, opening, sizeof opening - 1);
}

/* Reads to the end of the answer's head; what follows it has not been asked for. */
static void shake(struct connection *one) {
  size_t have = 0;
  while (have < 4 || memcmp(buffer + have - 4, "\r\n\r\n", 4) != 0) {
    ssize_t came = read(one->fd, buffer + have, buffer_size - have);
    if (came <= 0) fail("the handshake ended");
    have += came;
  }
  if (memcmp(buffer, "HTTP/1.1 101", 12) != 0) fail("the answer is no 101");
}

static void attend(struct connection *one) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
  epoll_ctl(events, EPOLL_CTL_ADD, one->fd, &event);
}

/* A masked binary frame of so many bytes. */
static void make_frame(size_t size) {
  frame = malloc(size + 14);
  size_t at = 2;
  frame[0] = 0x82;
  if (size < 126) {
    frame[1] = 0x80 | size;
  } else if (size < 65536) {
    frame[1] = 0x80 | 126;
    frame[at++] = size >> 8;
    frame[at++] = size;
  } else {
    frame[1] = 0x80 | 127;
    for (int shift = 56; shift >= 0; shift -= 8) frame[at++] = (uint64_t)size >> shift;
  }
  for (int i = 1; i <= 4; i++) frame[at++] = i * 17;
  memset(frame + at, 'x', size);
  frame_length = at + size;
}

/* Bytes of payload in what came. */
static size_t payload_in(struct connection *one, size_t length) {
  size_t heard = 0;
  for (size_t at = 0; at < length;) {
    if (one->payload > 0) {
      size_t taken = length - at < one->payload ? length - at : one->payload;
      one->payload -= taken;
      at += taken;
      heard += taken;
      continue;
    }
    one->header[one->have++] = buffer[at++];
    if (one->have == 2) one->need = (one->header[1] & 127) == 127 ? 10 : (one->header[1] & 127) == 126 ? 4 : 2;
    if (one->have < one->need) continue;
    if ((one->header[0] & 15) == 8) fail("the server closed");
    if (one->need == 2) one->payload = one->header[1] & 127;
    for (int i = 2; i < one->need; i++) one->payload = one->payload << 8 | one->header[i];
    one->have = 0;
    one->need = 2;
  }
  return heard;
}

static size_t hear(struct connection *one) {
  ssize_t came = read(one->fd, buffer, buffer_size);
  if (came <= 0) fail("the connection ended");
  return payload_in(one, came);
}

static struct connection *wait_for_one(void) {
  static struct epoll_event ready[256];
  static int count, next;
  if (next == count) {
    count = epoll_wait(events, ready, 256, 20000);
    next = 0;
    if (count <= 0) fail("nothing comes");
  }
  return ready[next++].data.ptr;
}

static void echo(struct connection *all, int connections, long messages, size_t size) {
  long sent = 0, done = 0;
  make_frame(size);
  for (int i = 0; i < connections && sent < messages; i++, sent++) {
    all[i].left = size;
    say(all[i].fd, frame, frame_length);
  }
  while (done < messages) {
    struct connection *one = wait_for_one();
    size_t heard = hear(one);
    if (heard > one->left) fail("more came back than was sent");
    one->left -= heard;
    if (one->left > 0 || heard == 0) continue;
    done++;
    if (sent == messages) continue;
    sent++;
    one->left = size;
    say(one->fd, frame, frame_length);
  }
}

static void upgrade(struct connection *all, int connections, long upgrades) {
  long begun = 0, done = 0;
  for (int i = 0; i < connections; i++, begun++) {
    dial(&all[i]);
    all[i].left = 1;
    attend(&all[i]);
  }
  while (done < upgrades) {
    struct connection *one = wait_for_one();
    if (one->left) {
      shake(one);
      say(one->fd, closing, sizeof closing);
      one->left = 0;
      continue;
    }
    if (read(one->fd, buffer, buffer_size) > 0) continue;
    close(one->fd);
    done++;
    if (begun == upgrades) continue;
    begun++;
    dial(one);
    one->left = 1;
    attend(one);
  }
}

static void listen_to(struct connection *all, int connections, long rounds, size_t size) {
  struct connection caller = {0};
  dial(&caller);
  shake(&caller);
  make_frame(2);
  for (long round = 0; round < rounds; round++) {
    for (int i = 0; i < connections; i++) all[i].left = size;
    say(caller.fd, frame, frame_length);
    for (int left = connections; left > 0;) {
      struct connection *one = wait_for_one();
      size_t heard = hear(one);
      if (heard > one->left) fail("more came than was said");
      one->left -= heard;
      if (heard > 0 && one->left == 0) left--;
    }
  }
}

int main(int count, char **arguments) {
  if (count < 5) fail("wsclient PORT echo|upgrade|hear CONNECTIONS UNITS [SIZE]");
  to.sin_port = htons(atoi(arguments[1]));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char mode = arguments[2][0];
  int connections = atoi(arguments[3]);
  long units = atol(arguments[4]);
  size_t size = count > 5 ? strtoul(arguments[5], NULL, 10) : 0;
  struct connection *all = calloc(connections, sizeof *all);
  events = epoll_create1(0);
  for (int i = 0; i < connections && mode != 'u'; i++) {
    dial(&all[i]);
    shake(&all[i]);
    attend(&all[i]);
  }
  double started = now();
  if (mode == 'e') echo(all, connections, units, size);
  else if (mode == 'u') upgrade(all, connections, units);
  else listen_to(all, connections, units, size);
  printf("{\"seconds\": %.6f}\n", now() - started);
  return 0;
}
