; sched-nasm.asm - a scheduler in assembly, made with moult/moult.inc: each thread in turn, for one tick.
;
; It shows that a policy needs no C, and that the generated constants and offsets are those of the headers. The queue is
; a circular list whose head is the queue's own node. Interrupts are off and the queue's lock is held in every function.

%include "moult/moult.inc"

struc node              ; both a sched_entity and a sched_queue
    .next resq 1
    .previous resq 1
endstruc

default rel
section .text

; void queue_init(struct sched_queue *queue, unsigned cpu)
queue_init:
    mov [rdi + node.next], rdi
    mov [rdi + node.previous], rdi
    ret

; void load(struct sched_entity *entity, const struct sched_record *record): nothing to know of a thread void
; save(const struct sched_queue *queue, const struct sched_entity *entity, struct sched_record *record): nor to tell
load:
save:
    ret

; void enqueue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason): at the end
enqueue:
    mov rax, [rdi + node.previous]
    mov [rsi + node.next], rdi
    mov [rsi + node.previous], rax
    mov [rax + node.next], rsi
    mov [rdi + node.previous], rsi
    ret

; void dequeue(struct sched_queue *queue, struct sched_entity *entity, enum sched_reason reason)
dequeue:
    mov rax, [rsi + node.next]
    mov rcx, [rsi + node.previous]
    mov [rcx + node.next], rax
    mov [rax + node.previous], rcx
    ret

; struct sched_entity *choose(struct sched_queue *queue, struct sched_entity *running): the first
choose:
    xor ecx, ecx
    mov rax, [rdi + node.next]
    cmp rax, rdi
    cmove rax, rcx
    ret

; void yielded(struct sched_queue *queue, struct sched_entity *running): to the end
yielded:
    call dequeue
    jmp enqueue

; bool tick(struct sched_queue *queue, struct sched_entity *running): its turn is over
tick:
    call yielded
    mov eax, 1
    ret

; struct sched_entity *offer(struct sched_queue *queue, struct sched_entity *running, unsigned cpu): the first that may
offer:
    mov ecx, SCHED_OFFER_DEPTH
    mov rax, rdi
.next:
    mov rax, [rax + node.next]
    cmp rax, rdi
    je .none
    cmp rax, rsi
    je .skip
    mov r8, rax
    and r8, -THREAD_BYTES   ; the thread's facts stand where the thread begins
    mov r8, [r8 + sched_facts.affinity]
    bt r8, rdx
    jc .found
.skip:
    dec ecx
    jnz .next
.none:
    xor eax, eax
.found:
    ret

section .data.rel.ro progbits alloc noexec write align=8

%macro at_offset 2      ; the table's entry %1 is %2; what lies before it and was not given is zero
    times %1 - ($ - ops) db 0
    %2
%endmacro

ops:
    at_offset sched_ops.entity_bytes, dd node_size
    at_offset sched_ops.queue_bytes, dd node_size
    at_offset sched_ops.flags, dd 0
    at_offset sched_ops.record_version, dd SCHED_RECORD_VERSION
    at_offset sched_ops.queue_init, dq queue_init
    at_offset sched_ops.load, dq load
    at_offset sched_ops.save, dq save
    at_offset sched_ops.enqueue, dq enqueue
    at_offset sched_ops.dequeue, dq dequeue
    at_offset sched_ops.choose, dq choose
    at_offset sched_ops.yielded, dq yielded
    at_offset sched_ops.tick, dq tick
    at_offset sched_ops.offer, dq offer
    times sched_ops_size - ($ - ops) db 0

MODULE "test-sched-nasm", "1.0", "round robin in assembly, a tick each"
MODULE_SLOT sched, ops
