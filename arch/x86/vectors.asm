; vectors.asm - the entries of all 256 vectors: they complete struct trap_frame (arch/trap.h) and call arch_trap().

section .text
global arch_trap_return

; The processor pushes an error code for these exceptions only: SDM volume 3, table 6-1.
%macro vector_entry 1
align 16
vector_%1:
%if !(%1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17 || %1 == 21 || %1 == 29 || %1 == 30)
    push 0
%endif
    push %1
    jmp vector_common
%endmacro

%assign number 0
%rep 256
vector_entry number
%assign number number + 1
%endrep

align 16
vector_common:
    cld
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    mov rdi, rsp
    call arch_trap
arch_trap_return:
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rbx
    pop rax
    add rsp, 16                         ; vector, error code
    iretq

section .rodata
align 8
global vector_entries
vector_entries:
%assign number 0
%rep 256
    dq vector_ %+ number
%assign number number + 1
%endrep

extern arch_trap
