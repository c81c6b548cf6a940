; smp_start.asm - what a CPU that is being started executes, from real mode to C.
;
; This code is copied to smp_start_page, the page that the start-up IPI names, and struct parameters (arch/x86/smp.c)
; behind it. It takes over the control registers of the bootstrap CPU, which turns on paging and long mode at once:
; the page is mapped at its own address.

smp_start_page equ 0x8000               ; below 1 MiB, on a page; kept out of the frame allocator
global smp_start_page, smp_start_code, smp_start_end

MSR_EFER equ 0xc0000080
MSR_GS_BASE equ 0xc0000101

section .rodata
%define at_page(label) (smp_start_page + (label) - smp_start_code)
%define in_segment(label) ((label) - smp_start_code)

align 16
bits 16
smp_start_code:
    cli
    cld
    mov ax, cs                          ; the page's segment
    mov ds, ax
    o32 lgdt [in_segment(gdt_pointer)]
    mov eax, [in_segment(new_cr4)]
    mov cr4, eax
    mov eax, [in_segment(new_cr3)]
    mov cr3, eax
    mov ecx, MSR_EFER
    mov eax, [in_segment(new_efer)]
    mov edx, [in_segment(new_efer) + 4]
    wrmsr
    mov eax, [in_segment(new_cr0)]
    mov cr0, eax                        ; protection and paging, with EFER's long mode: SDM volume 3, 9.8.5
    jmp dword 8:at_page(long_mode)

bits 64
long_mode:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov eax, [rel new_cpu]
    mov edx, [rel new_cpu + 4]
    mov ecx, MSR_GS_BASE
    wrmsr
    mov rdi, [rel new_cpu]
    mov rsp, [rel new_stack_top]
    xor ebp, ebp
    push rbp                            ; a backtrace ends at a return address of 0
    jmp [rel new_entry]

align 8
gdt:
    dq 0
    dq 0x00209b0000000000               ; 64-bit code, ring 0, marked as accessed: the page is read-only
gdt_pointer:
    dw gdt_pointer - gdt - 1
    dd at_page(gdt)
align 8
smp_start_end:

; The members of struct parameters.
new_cr0 equ smp_start_end
new_cr3 equ smp_start_end + 8
new_cr4 equ smp_start_end + 16
new_efer equ smp_start_end + 24
new_cpu equ smp_start_end + 32
new_stack_top equ smp_start_end + 40
new_entry equ smp_start_end + 48
