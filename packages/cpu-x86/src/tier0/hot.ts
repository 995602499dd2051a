/* eslint max-lines: off -- a generated table */
/**
 * The handlers inside the big switch, each by one instruction (or fused pair) that needs it: key of the mode, bytes.
 * Made from counts of executions: see bench/README.md.
 */
export const HOT: readonly (readonly [mode: number, bytes: string])[] = [
  [17, '4889d8'], // mov rax,rbx
  [17, '488b4108'], // mov rax,[rcx+8]
  [17, '488b449108'], // mov rax,[rcx+rdx*4+8]
  [17, '48894108'], // mov [rcx+8],rax
  [17, '4889449108'], // mov [rcx+rdx*4+8],rax
  [17, '48c7410805000000'], // mov qword ptr [rcx+8],5
  [17, '488b0500010000'], // mov rax,[rip+0x100]
  [17, '48890500010000'], // mov [rip+0x100],rax
  [17, '4801d8'], // add rax,rbx
  [17, '480545230100'], // add rax,0x12345
  [17, '48034108'], // add rax,[rcx+8]
  [17, '48014108'], // add [rcx+8],rax
  [17, '4883410805'], // add qword ptr [rcx+8],5
  [17, '4829d8'], // sub rax,rbx
  [17, '482d45230100'], // sub rax,0x12345
  [17, '482b4108'], // sub rax,[rcx+8]
  [17, '48294108'], // sub [rcx+8],rax
  [17, '4883690805'], // sub qword ptr [rcx+8],5
  [17, '4821d8'], // and rax,rbx
  [17, '482545230100'], // and rax,0x12345
  [17, '48234108'], // and rax,[rcx+8]
  [17, '48214108'], // and [rcx+8],rax
  [17, '4883610805'], // and qword ptr [rcx+8],5
  [17, '4809d8'], // or rax,rbx
  [17, '480d45230100'], // or rax,0x12345
  [17, '480b4108'], // or rax,[rcx+8]
  [17, '48094108'], // or [rcx+8],rax
  [17, '4883490805'], // or qword ptr [rcx+8],5
  [17, '4831d8'], // xor rax,rbx
  [17, '483545230100'], // xor rax,0x12345
  [17, '48334108'], // xor rax,[rcx+8]
  [17, '4839d8'], // cmp rax,rbx
  [17, '483d45230100'], // cmp rax,0x12345
  [17, '483b4108'], // cmp rax,[rcx+8]
  [17, '48394108'], // cmp [rcx+8],rax
  [17, '4883790805'], // cmp qword ptr [rcx+8],5
  [17, '4885d8'], // test rax,rbx
  [17, '48a945230100'], // test rax,0x12345
  [17, '48f7410805000000'], // test qword ptr [rcx+8],5
  [17, '48c1e003'], // shl rax,3
  [17, '48c1e803'], // shr rax,3
  [17, '48c1f803'], // sar rax,3
  [17, '48f7d0'], // not rax
  [17, '48f7d8'], // neg rax
  [17, '48ffc0'], // inc rax
  [17, '48ffc8'], // dec rax
  [17, '480fafc3'], // imul rax,rbx
  [17, '488d4108'], // lea rax,[rcx+8]
  [17, '488d449108'], // lea rax,[rcx+rdx*4+8]
  [17, '480f44c3'], // cmove rax,rbx
  [17, '480f45c3'], // cmovne rax,rbx
  [17, '480f42c3'], // cmovb rax,rbx
  [17, '480f43c3'], // cmovae rax,rbx
  [17, '480f47c3'], // cmova rax,rbx
  [17, '480f46c3'], // cmovbe rax,rbx
  [17, '89d8'], // mov eax,ebx
  [17, '8b4108'], // mov eax,[rcx+8]
  [17, '8b449108'], // mov eax,[rcx+rdx*4+8]
  [17, '894108'], // mov [rcx+8],eax
  [17, '89449108'], // mov [rcx+rdx*4+8],eax
  [17, 'c7410805000000'], // mov dword ptr [rcx+8],5
  [17, '8b0500010000'], // mov eax,[rip+0x100]
  [17, '890500010000'], // mov [rip+0x100],eax
  [17, '01d8'], // add eax,ebx
  [17, '0545230100'], // add eax,0x12345
  [17, '034108'], // add eax,[rcx+8]
  [17, '014108'], // add [rcx+8],eax
  [17, '83410805'], // add dword ptr [rcx+8],5
  [17, '29d8'], // sub eax,ebx
  [17, '2d45230100'], // sub eax,0x12345
  [17, '2b4108'], // sub eax,[rcx+8]
  [17, '294108'], // sub [rcx+8],eax
  [17, '83690805'], // sub dword ptr [rcx+8],5
  [17, '21d8'], // and eax,ebx
  [17, '2545230100'], // and eax,0x12345
  [17, '234108'], // and eax,[rcx+8]
  [17, '214108'], // and [rcx+8],eax
  [17, '83610805'], // and dword ptr [rcx+8],5
  [17, '09d8'], // or eax,ebx
  [17, '0d45230100'], // or eax,0x12345
  [17, '0b4108'], // or eax,[rcx+8]
  [17, '094108'], // or [rcx+8],eax
  [17, '83490805'], // or dword ptr [rcx+8],5
  [17, '31d8'], // xor eax,ebx
  [17, '3545230100'], // xor eax,0x12345
  [17, '334108'], // xor eax,[rcx+8]
  [17, '39d8'], // cmp eax,ebx
  [17, '3d45230100'], // cmp eax,0x12345
  [17, '3b4108'], // cmp eax,[rcx+8]
  [17, '394108'], // cmp [rcx+8],eax
  [17, '83790805'], // cmp dword ptr [rcx+8],5
  [17, '85d8'], // test eax,ebx
  [17, 'a945230100'], // test eax,0x12345
  [17, 'f7410805000000'], // test dword ptr [rcx+8],5
  [17, 'c1e003'], // shl eax,3
  [17, 'c1e803'], // shr eax,3
  [17, 'c1f803'], // sar eax,3
  [17, 'f7d0'], // not eax
  [17, 'f7d8'], // neg eax
  [17, 'ffc0'], // inc eax
  [17, 'ffc8'], // dec eax
  [17, '0fafc3'], // imul eax,ebx
  [17, '8d4108'], // lea eax,[rcx+8]
  [17, '8d449108'], // lea eax,[rcx+rdx*4+8]
  [17, '0f44c3'], // cmove eax,ebx
  [17, '0f45c3'], // cmovne eax,ebx
  [17, '0f42c3'], // cmovb eax,ebx
  [17, '0f43c3'], // cmovae eax,ebx
  [17, '0f47c3'], // cmova eax,ebx
  [17, '0f46c3'], // cmovbe eax,ebx
  [17, '488d0500010000'], // lea rax,[rip+0x100]
  [17, 'b805000000'], // mov eax,5
  [17, '48b8efcdab8967452301'], // movabs rax,0x123456789abcdef
  [17, '48c7c0ffffffff'], // mov rax,-1
  [17, '483b0500010000'], // cmp rax,[rip+0x100]
  [17, '833d0001000005'], // cmp dword ptr [rip+0x100],5
  [17, '4811d8'], // adc rax,rbx
  [17, '4819d8'], // sbb rax,rbx
  [17, '19c0'], // sbb eax,eax
  [17, 'c1c003'], // rol eax,3
  [17, '48c1c803'], // ror rax,3
  [17, 'c1c803'], // ror eax,3
  [17, 'c1c003'], // rol eax,3
  [17, '4863c3'], // movsxd rax,ebx
  [17, '48634108'], // movsxd rax,dword ptr [rcx+8]
  [17, '4898'], // cdqe
  [17, '486bc305'], // imul rax,rbx,5
  [17, '6bc305'], // imul eax,ebx,5
  [17, '48f7e3'], // mul rbx
  [17, '480fa3d8'], // bt rax,rbx
  [17, '0fbae005'], // bt eax,5
  [17, '48d3e0'], // shl rax,cl
  [17, '48d3e8'], // shr rax,cl
  [17, 'd3e0'], // shl eax,cl
  [17, 'd3e8'], // shr eax,cl
  [17, '88d8'], // mov al,bl
  [17, '8a4108'], // mov al,[rcx+8]
  [17, '8a449108'], // mov al,[rcx+rdx*4+8]
  [17, '884108'], // mov [rcx+8],al
  [17, '88449108'], // mov [rcx+rdx*4+8],al
  [17, 'c6410805'], // mov byte ptr [rcx+8],5
  [17, 'b005'], // mov al,5
  [17, '668b4108'], // mov ax,[rcx+8]
  [17, '66894108'], // mov [rcx+8],ax
  [17, '0fb6c3'], // movzx eax,bl
  [17, '0fb64108'], // movzx eax,byte ptr [rcx+8]
  [17, '0fb6449108'], // movzx eax,byte ptr [rcx+rdx*4+8]
  [17, '0fb7c3'], // movzx eax,bx
  [17, '0fb74108'], // movzx eax,word ptr [rcx+8]
  [17, '0fb7449108'], // movzx eax,word ptr [rcx+rdx*4+8]
  [17, '0fbec3'], // movsx eax,bl
  [17, '0fbe4108'], // movsx eax,byte ptr [rcx+8]
  [17, '0fb60500010000'], // movzx eax,byte ptr [rip+0x100]
  [17, '38d8'], // cmp al,bl
  [17, '3c05'], // cmp al,5
  [17, '84d8'], // test al,bl
  [17, 'a805'], // test al,5
  [17, '20d8'], // and al,bl
  [17, '2405'], // and al,5
  [17, '08d8'], // or al,bl
  [17, '0c05'], // or al,5
  [17, '30d8'], // xor al,bl
  [17, '3405'], // xor al,5
  [17, '00d8'], // add al,bl
  [17, '0405'], // add al,5
  [17, '28d8'], // sub al,bl
  [17, '2c05'], // sub al,5
  [17, '80790805'], // cmp byte ptr [rcx+8],5
  [17, 'f6410805'], // test byte ptr [rcx+8],5
  [17, '3a4108'], // cmp al,[rcx+8]
  [17, '80610805'], // and byte ptr [rcx+8],5
  [17, '80490805'], // or byte ptr [rcx+8],5
  [17, '803d0001000000'], // cmp byte ptr [rip+0x100],0
  [17, '6683790805'], // cmp word ptr [rcx+8],5
  [17, '84c0'], // test al,al
  [17, '50'], // push rax
  [17, '58'], // pop rax
  [17, '6a05'], // push 5
  [17, 'ff7108'], // push qword ptr [rcx+8]
  [17, 'c9'], // leave
  [17, 'e8fb000000'], // call .+0x100
  [17, 'c3'], // ret
  [17, 'e9fb000000'], // jmp .+0x100
  [17, 'ffe0'], // jmp rax
  [17, 'ffd0'], // call rax
  [17, 'ff5108'], // call qword ptr [rcx+8]
  [17, 'ff24c500100000'], // jmp qword ptr [rax*8+0x1000]
  [17, '90'], // nop
  [17, '660f1f0400'], // nop word ptr [rax+rax]
  [17, '4893'], // xchg rax,rbx
  [17, '700e'], // jo .+0x10
  [17, '710e'], // jno .+0x10
  [17, '720e'], // jb .+0x10
  [17, '730e'], // jae .+0x10
  [17, '740e'], // je .+0x10
  [17, '750e'], // jne .+0x10
  [17, '760e'], // jbe .+0x10
  [17, '770e'], // ja .+0x10
  [17, '780e'], // js .+0x10
  [17, '790e'], // jns .+0x10
  [17, '7a0e'], // jp .+0x10
  [17, '7b0e'], // jnp .+0x10
  [17, '7c0e'], // jl .+0x10
  [17, '7d0e'], // jge .+0x10
  [17, '7e0e'], // jle .+0x10
  [17, '7f0e'], // jg .+0x10
  [17, '0f94c0'], // sete al
  [17, '0f95c0'], // setne al
  [17, '0f92c0'], // setb al
  [17, '0f93c0'], // setae al
  [17, '0f97c0'], // seta al
  [17, '0f96c0'], // setbe al
  [17, '0f9cc0'], // setl al
  [17, '0f9fc0'], // setg al
  [17, '65488b042500010000'], // mov rax,gs:[0x100]
  [17, '658b042500010000'], // mov eax,gs:[0x100]
  [17, '65ff042500010000'], // inc dword ptr gs:[0x100]
  [17, '65ff0c2500010000'], // dec dword ptr gs:[0x100]
  [17, '658304250001000001'], // add dword ptr gs:[0x100],1
  [17, '65832c250001000001'], // sub dword ptr gs:[0x100],1
  [17, '4839d8740e'], // cmp rax,rbx ; je .+0x10
  [17, '4839d8750e'], // cmp rax,rbx ; jne .+0x10
  [17, '4839d8720e'], // cmp rax,rbx ; jb .+0x10
  [17, '4839d8730e'], // cmp rax,rbx ; jae .+0x10
  [17, '4839d8760e'], // cmp rax,rbx ; jbe .+0x10
  [17, '4839d8770e'], // cmp rax,rbx ; ja .+0x10
  [17, '4839d87c0e'], // cmp rax,rbx ; jl .+0x10
  [17, '4839d87d0e'], // cmp rax,rbx ; jge .+0x10
  [17, '4839d87e0e'], // cmp rax,rbx ; jle .+0x10
  [17, '4839d87f0e'], // cmp rax,rbx ; jg .+0x10
  [17, '483d45230100740e'], // cmp rax,0x12345 ; je .+0x10
  [17, '483d45230100750e'], // cmp rax,0x12345 ; jne .+0x10
  [17, '483d45230100720e'], // cmp rax,0x12345 ; jb .+0x10
  [17, '483d45230100730e'], // cmp rax,0x12345 ; jae .+0x10
  [17, '483d45230100760e'], // cmp rax,0x12345 ; jbe .+0x10
  [17, '483d45230100770e'], // cmp rax,0x12345 ; ja .+0x10
  [17, '483d452301007c0e'], // cmp rax,0x12345 ; jl .+0x10
  [17, '483d452301007d0e'], // cmp rax,0x12345 ; jge .+0x10
  [17, '483d452301007e0e'], // cmp rax,0x12345 ; jle .+0x10
  [17, '483d452301007f0e'], // cmp rax,0x12345 ; jg .+0x10
  [17, '4885c0740e'], // test rax,rax ; je .+0x10
  [17, '4885c0750e'], // test rax,rax ; jne .+0x10
  [17, '4885c0780e'], // test rax,rax ; js .+0x10
  [17, '4885c0790e'], // test rax,rax ; jns .+0x10
  [17, '4885c07e0e'], // test rax,rax ; jle .+0x10
  [17, '4885c07f0e'], // test rax,rax ; jg .+0x10
  [17, '4883790805740e'], // cmp qword ptr [rcx+8],5 ; je .+0x10
  [17, '4883790805750e'], // cmp qword ptr [rcx+8],5 ; jne .+0x10
  [17, '4883790805760e'], // cmp qword ptr [rcx+8],5 ; jbe .+0x10
  [17, '4883790805770e'], // cmp qword ptr [rcx+8],5 ; ja .+0x10
  [17, '483b4108740e'], // cmp rax,[rcx+8] ; je .+0x10
  [17, '483b4108750e'], // cmp rax,[rcx+8] ; jne .+0x10
  [17, '483b4108720e'], // cmp rax,[rcx+8] ; jb .+0x10
  [17, '483b4108730e'], // cmp rax,[rcx+8] ; jae .+0x10
  [17, '483b4108760e'], // cmp rax,[rcx+8] ; jbe .+0x10
  [17, '483b4108770e'], // cmp rax,[rcx+8] ; ja .+0x10
  [17, '4885d8740e'], // test rax,rbx ; je .+0x10
  [17, '4885d8750e'], // test rax,rbx ; jne .+0x10
  [17, '4883c001750e'], // add rax,1 ; jne .+0x10
  [17, '4883e801740e'], // sub rax,1 ; je .+0x10
  [17, '4883e801750e'], // sub rax,1 ; jne .+0x10
  [17, '4883e801730e'], // sub rax,1 ; jae .+0x10
  [17, '4883e005740e'], // and rax,5 ; je .+0x10
  [17, '4883e005750e'], // and rax,5 ; jne .+0x10
  [17, '48ffc8750e'], // dec rax ; jne .+0x10
  [17, '48394108740e'], // cmp [rcx+8],rax ; je .+0x10
  [17, '48394108750e'], // cmp [rcx+8],rax ; jne .+0x10
  [17, '39d8740e'], // cmp eax,ebx ; je .+0x10
  [17, '39d8750e'], // cmp eax,ebx ; jne .+0x10
  [17, '39d8720e'], // cmp eax,ebx ; jb .+0x10
  [17, '39d8730e'], // cmp eax,ebx ; jae .+0x10
  [17, '39d8760e'], // cmp eax,ebx ; jbe .+0x10
  [17, '39d8770e'], // cmp eax,ebx ; ja .+0x10
  [17, '39d87c0e'], // cmp eax,ebx ; jl .+0x10
  [17, '39d87d0e'], // cmp eax,ebx ; jge .+0x10
  [17, '39d87e0e'], // cmp eax,ebx ; jle .+0x10
  [17, '39d87f0e'], // cmp eax,ebx ; jg .+0x10
  [17, '3d45230100740e'], // cmp eax,0x12345 ; je .+0x10
  [17, '3d45230100750e'], // cmp eax,0x12345 ; jne .+0x10
  [17, '3d45230100720e'], // cmp eax,0x12345 ; jb .+0x10
  [17, '3d45230100730e'], // cmp eax,0x12345 ; jae .+0x10
  [17, '3d45230100760e'], // cmp eax,0x12345 ; jbe .+0x10
  [17, '3d45230100770e'], // cmp eax,0x12345 ; ja .+0x10
  [17, '3d452301007c0e'], // cmp eax,0x12345 ; jl .+0x10
  [17, '3d452301007d0e'], // cmp eax,0x12345 ; jge .+0x10
  [17, '3d452301007e0e'], // cmp eax,0x12345 ; jle .+0x10
  [17, '3d452301007f0e'], // cmp eax,0x12345 ; jg .+0x10
  [17, '85c0740e'], // test eax,eax ; je .+0x10
  [17, '85c0750e'], // test eax,eax ; jne .+0x10
  [17, '85c0780e'], // test eax,eax ; js .+0x10
  [17, '85c0790e'], // test eax,eax ; jns .+0x10
  [17, '85c07e0e'], // test eax,eax ; jle .+0x10
  [17, '85c07f0e'], // test eax,eax ; jg .+0x10
  [17, '83790805740e'], // cmp dword ptr [rcx+8],5 ; je .+0x10
  [17, '83790805750e'], // cmp dword ptr [rcx+8],5 ; jne .+0x10
  [17, '83790805760e'], // cmp dword ptr [rcx+8],5 ; jbe .+0x10
  [17, '83790805770e'], // cmp dword ptr [rcx+8],5 ; ja .+0x10
  [17, '3b4108740e'], // cmp eax,[rcx+8] ; je .+0x10
  [17, '3b4108750e'], // cmp eax,[rcx+8] ; jne .+0x10
  [17, '3b4108720e'], // cmp eax,[rcx+8] ; jb .+0x10
  [17, '3b4108730e'], // cmp eax,[rcx+8] ; jae .+0x10
  [17, '3b4108760e'], // cmp eax,[rcx+8] ; jbe .+0x10
  [17, '3b4108770e'], // cmp eax,[rcx+8] ; ja .+0x10
  [17, 'a945230100740e'], // test eax,0x12345 ; je .+0x10
  [17, 'a945230100750e'], // test eax,0x12345 ; jne .+0x10
  [17, '83c001750e'], // add eax,1 ; jne .+0x10
  [17, '83e801740e'], // sub eax,1 ; je .+0x10
  [17, '83e801750e'], // sub eax,1 ; jne .+0x10
  [17, '83e801730e'], // sub eax,1 ; jae .+0x10
  [17, '83e005740e'], // and eax,5 ; je .+0x10
  [17, '83e005750e'], // and eax,5 ; jne .+0x10
  [17, 'ffc8750e'], // dec eax ; jne .+0x10
  [17, '394108740e'], // cmp [rcx+8],eax ; je .+0x10
  [17, '394108750e'], // cmp [rcx+8],eax ; jne .+0x10
  [17, '38d8740e'], // cmp al,bl ; je .+0x10
  [17, '38d8750e'], // cmp al,bl ; jne .+0x10
  [17, '3c05740e'], // cmp al,5 ; je .+0x10
  [17, '3c05750e'], // cmp al,5 ; jne .+0x10
  [17, '3c05720e'], // cmp al,5 ; jb .+0x10
  [17, '3c05730e'], // cmp al,5 ; jae .+0x10
  [17, '3c05760e'], // cmp al,5 ; jbe .+0x10
  [17, '3c05770e'], // cmp al,5 ; ja .+0x10
  [17, '84d8740e'], // test al,bl ; je .+0x10
  [17, '84d8750e'], // test al,bl ; jne .+0x10
  [17, 'a805740e'], // test al,5 ; je .+0x10
  [17, 'a805750e'], // test al,5 ; jne .+0x10
  [17, '80790805740e'], // cmp byte ptr [rcx+8],5 ; je .+0x10
  [17, '80790805750e'], // cmp byte ptr [rcx+8],5 ; jne .+0x10
  [17, 'f6410805740e'], // test byte ptr [rcx+8],5 ; je .+0x10
  [17, 'f6410805750e'], // test byte ptr [rcx+8],5 ; jne .+0x10
  [17, '803d0001000000740e'], // cmp byte ptr [rip+0x100],0 ; je .+0x10
  [17, '803d0001000000750e'], // cmp byte ptr [rip+0x100],0 ; jne .+0x10
  [17, '6639d8740e'], // cmp ax,bx ; je .+0x10
  [17, '6639d8750e'], // cmp ax,bx ; jne .+0x10
  [17, '663d3412740e'], // cmp ax,0x1234 ; je .+0x10
  [17, '663d3412750e'], // cmp ax,0x1234 ; jne .+0x10
]
