namespace FunctionalGrad.Workloads

open System.Collections.Generic

/// Everything that is timed.
type All =
    /// Programs timed once they are warm.
    static member Workloads: IReadOnlyList<Workload> =
        List.concat
            [ Perceptrons.all
              ElementwiseChains.all
              Rows.all
              MatrixProducts.all
              TinyGraphs.all
              LeNets.all
              Recurrent.all
              SecondOrder.all ]

    /// Programs of which the compilation is timed.
    static member ColdStarts: IReadOnlyList<ColdStart> = ColdStarts.all
