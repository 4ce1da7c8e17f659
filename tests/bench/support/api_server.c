/* The server's process: starting, measuring, ending. */
#include "engine/base/codec.h"
#include "tests/bench/support/api_load.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t api_load_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t api_server_cpu_ns(const struct api_server *s)
{
    clockid_t clock;
    struct timespec t;
    BUG_ON(clock_getcpuclockid(s->pid, &clock) != 0, "the server's CPU time can be read");
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_whole(const char *path, struct buf *out)
{
    char bytes[16384];
    int fd = open(path, O_RDONLY);
    BUG_ON(fd < 0, "the file that was just written can be read");
    for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;)
        buf_add(out, (struct str){bytes, (size_t)n});
    close(fd);
}

int64_t api_server_rss(const struct api_server *s)
{
    char path[64];
    struct buf text = {0};
    uint64_t kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
    read_whole(path, &text);
    ptrdiff_t at = str_find(buf_str(&text), STR("VmRSS:"));
    BUG_ON(at < 0, "a process has a resident size");
    kib = strtoull(buf_c(&text) + at + 6, NULL, 10);
    buf_free(&text);
    return (int64_t)kib * 1024;
}

/* ---- credentials ---- */

static BIO *decoded(struct str config, const char *key)
{
    struct buf pem = {0};
    struct str line, rest;
    ptrdiff_t at = str_find(config, str_c(key));
    BUG_ON(at < 0, "a kubeconfig has certificates");
    (void)str_cut(str_sub(config, (size_t)at + strlen(key), config.n), '\n', &line, &rest);
    bool ok = base64_decode(&pem, str_trim(line));
    BUG_ON(!ok, "a kubeconfig's certificates are base64");
    BIO *b = BIO_new(BIO_s_mem());
    BIO_write(b, pem.p, (int)pem.n);
    buf_free(&pem);
    return b;
}

static void load_identity(struct api_server *s, const char *path)
{
    static const struct str where = STR_INIT("https://127.0.0.1:");
    struct buf text = {0};
    read_whole(path, &text);
    ptrdiff_t at = str_find(buf_str(&text), where);
    BUG_ON(at < 0, "a kubeconfig says where its server is");
    s->port = atoi(buf_c(&text) + at + where.n);
    s->tls = SSL_CTX_new(TLS_client_method());
    BIO *cert_pem = decoded(buf_str(&text), "client-certificate-data:");
    BIO *key_pem = decoded(buf_str(&text), "client-key-data:");
    X509 *cert = PEM_read_bio_X509(cert_pem, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_pem, NULL, NULL, NULL);
    int ok = SSL_CTX_use_certificate(s->tls, cert) && SSL_CTX_use_PrivateKey(s->tls, key);
    BUG_ON(!ok, "a kubeconfig's key fits its certificate");
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(cert_pem);
    BIO_free(key_pem);
    buf_free(&text);
}

/* ---- life ---- */

/* The path of a file in this program's folder: in the build. */
static void beside_program(char *out, size_t cap, const char *name)
{
    ssize_t n = readlink("/proc/self/exe", out, cap - 1);
    BUG_ON(n <= 0, "a program knows its path");
    out[n] = 0;
    char *slash = strrchr(out, '/');
    snprintf(slash + 1, cap - (size_t)(slash + 1 - out), "%s", name);
}

void api_folder_make(char path[API_PATH_MAX])
{
    beside_program(path, API_PATH_MAX, "bench-XXXXXX");
    BUG_ON(!mkdtemp(path), "a benchmark has a folder");
}

static void run_server(const char *program, const char *config, const char *datastore, bool bare,
                       int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    execl(program, program, "apiserver", "--kubeconfig-out", config, "--datastore",
          datastore ? datastore : "memory", bare ? "--bare" : (char *)NULL, (char *)NULL);
    _exit(127);
}

static void start(struct api_server *s, const char *datastore, bool bare)
{
    char program[API_PATH_MAX], line[256];
    int out[2];
    size_t n = 0;
    beside_program(program, sizeof(program), "paddock-sim");
    beside_program(s->config, sizeof(s->config), "bench-XXXXXX");
    int file = mkstemp(s->config);
    BUG_ON(file < 0 || pipe2(out, O_CLOEXEC) != 0, "a benchmark has files");
    close(file);
    int64_t start = api_load_now_ns();
    s->pid = fork();
    if (s->pid == 0)
        run_server(program, s->config, datastore, bare, out[1]);
    close(out[1]);
    for (ssize_t got = 1; got > 0 && !memchr(line, '\n', n); n += (size_t)got)
        got = read(out[0], line + n, sizeof(line) - 1 - n);
    s->ready_ns = api_load_now_ns() - start;
    line[n] = 0;
    BUG_ON(strncmp(line, "ready https://127.0.0.1:", 24) != 0, "the server becomes ready");
    close(out[0]);
    load_identity(s, s->config);
}

void api_server_start(struct api_server *s, const char *datastore)
{
    start(s, datastore, true);
}

void api_server_start_whole(struct api_server *s)
{
    start(s, NULL, false);
}

void api_server_join(struct api_server *s, pid_t pid, const char *config)
{
    *s = (struct api_server){.pid = pid};
    load_identity(s, config);
}

void api_server_stop(struct api_server *s)
{
    int status;
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    unlink(s->config);
    SSL_CTX_free(s->tls);
}
