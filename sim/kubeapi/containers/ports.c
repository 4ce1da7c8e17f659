#include "sim/kubeapi/containers/ports.h"

static enum process_step echo(struct process_io *io)
{
    size_t room = process_room(io), n = io->in->n < room ? io->in->n : room;
    buf_add(io->out, (struct str){io->in->p, n});
    buf_consume(io->in, n);
    if (io->in->n > 0)
        return PROCESS_RUNS;
    return io->in_ended ? PROCESS_DONE : PROCESS_WAITS;
}

static void answer(struct process_io *io, const char *status, uint64_t length, bool closes)
{
    buf_addf(io->out, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n%s\r\n",
             status, (unsigned long long)length, closes ? "Connection: close\r\n" : "");
}

static void answer_text(struct port_server *s, struct process_io *io, const char *status,
                        struct str text)
{
    answer(io, status, text.n, s->closes);
    buf_add(io->out, text);
}

/* "Connection: close" among the lines; and a body is more than we read. */
static bool has_field(struct str head, struct str name, struct str value)
{
    struct str line, key, content;
    while (str_cut(head, '\n', &line, &head)) {
        if (!str_cut(line, ':', &key, &content))
            continue;
        content = str_trim(content);
        if (str_eq_nocase(str_trim(key), name) && (value.n == 0 || str_eq_nocase(content, value)))
            return true;
    }
    return false;
}

static void serve(struct port_server *s, struct process_io *io, struct str head)
{
    struct str first, method, target, version, path;
    struct buf text = {.max = PORTS_HEAD_MAX + 512};
    (void)str_cut(head, '\n', &first, &head);
    first = str_trim(first);
    bool ok = str_cut(first, ' ', &method, &version) && str_cut(version, ' ', &target, &version);
    s->closes = !ok || !str_eq_c(version, "HTTP/1.1") ||
                has_field(head, STR("Connection"), STR("close")) ||
                has_field(head, STR("Content-Length"), str_empty) ||
                has_field(head, STR("Transfer-Encoding"), str_empty);
    (void)str_cut(target, '?', &path, &target);
    if (!ok || !str_starts(version, STR("HTTP/1."))) {
        answer_text(s, io, "400 Bad Request", STR("this is not HTTP/1.1\n"));
    } else if (!str_eq_c(method, "GET")) {
        s->closes = true;
        answer_text(s, io, "405 Method Not Allowed", STR("only GET is known here\n"));
    } else if (str_starts(path, STR("/bytes/")) && str_to_u64(str_sub(path, 7, path.n), &s->left) &&
               s->left < UINT64_C(1) << 50) {
        answer(io, "200 OK", s->left, s->closes);
    } else {
        s->left = 0;
        buf_addf(&text, STR_FMT ":%u " STR_FMT "\n", STR_ARG(s->pod), s->port.number,
                 STR_ARG(path));
        answer_text(s, io, "200 OK", buf_str(&text));
    }
    buf_free(&text);
}

static void add_bytes(struct port_server *s, struct process_io *io)
{
    size_t room = process_room(io), n = s->left < room ? (size_t)s->left : room;
    char *to = buf_grow(io->out, n);
    BUG_ON(!to, "output has room");
    memset(to, 'x', n);
    s->left -= n;
}

static enum process_step http(struct port_server *s, struct process_io *io)
{
    for (;;) {
        if (s->left > 0 && process_room(io) > 0)
            add_bytes(s, io);
        if (s->left > 0 || process_room(io) == 0)
            return PROCESS_RUNS;
        if (s->closes)
            return PROCESS_DONE;
        ptrdiff_t end = str_find(buf_str(io->in), STR("\r\n\r\n"));
        if (end < 0 && io->in->n > PORTS_HEAD_MAX) {
            s->closes = true;
            answer_text(s, io, "431 Request Header Fields Too Large", STR("too large\n"));
            return PROCESS_DONE;
        }
        if (end < 0)
            return io->in_ended ? PROCESS_DONE : PROCESS_WAITS;
        size_t n = (size_t)end + 4;
        serve(s, io, (struct str){io->in->p, n});
        buf_consume(io->in, n);
    }
}

enum process_step port_step(struct port_server *s, struct process_io *io)
{
    return str_starts(s->port.name, STR("echo")) ? echo(io) : http(s, io);
}
