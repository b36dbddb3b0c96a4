namespace FunctionalGrad.Workloads

open FunctionalGrad

/// Products of two matrices.
module internal MatrixProducts =
    let private product (dtype: DType) (rows: int, inner: int, columns: int) =
        let letter, kind = if dtype = DType.Float64 then "d", "_f64" else "s", ""

        let workload =
            Workload.calls $"g_{letter}gemm{kind}_{rows}x{inner}x{columns}" (fun () ->
                let a = Random.normalWith dtype (Key.ofSeed 1) [ rows; inner ]
                let b = Random.normalWith dtype (Key.ofSeed 2) [ inner; columns ]
                let rowSums c = c |> cast DType.Float64 |> sum [ 1 ]
                let check c = Check.near 1e-5 (rowSums c) (mv (cast DType.Float64 a) (rowSums b))
                (a, b), jit (fun (a: Tensor, b: Tensor) -> a *@ b), check)
            |> Workload.flops (2.0 * float rows * float inner * float columns)

        { workload with IsDouble = (dtype = DType.Float64) }

    let all: Workload list =
        [ for size in [ 256; 512; 1024; 2048 ] do
              product DType.Float32 (size, size, size)
          for sizes in [ 256, 784, 256; 256, 256, 10; 784, 256, 256; 64, 64, 64; 32, 32, 32 ] do
              product DType.Float32 sizes
          for size in [ 512; 1024; 2048 ] do
              product DType.Float64 (size, size, size) ]
