namespace FunctionalGrad.Tests

open System
open FunctionalGrad
open Xunit

/// Random numbers are functions of their key.
type RandomTests() =
    let key = Key.ofSeed 42
    let numbers (x: Tensor) = Array.init x.Count x.Value.GetDouble
    let mean (xs: float[]) = Array.average xs

    let variance (xs: float[]) =
        let centre = mean xs
        xs |> Array.averageBy (fun x -> (x - centre) * (x - centre))

    let correlation (xs: float[]) (ys: float[]) =
        let centreX, centreY = mean xs, mean ys
        let covariance = Array.map2 (fun x y -> (x - centreX) * (y - centreY)) xs ys |> Array.average
        covariance / sqrt (variance xs * variance ys)

    [<Fact>]
    member _.``the same key gives the same numbers``() =
        Expect.equal (Random.normal key [ 3; 4 ]) (Random.normal (Key.ofSeed 42) [ 3; 4 ])
        Expect.equal (Random.uniform key [ 10 ]) (Random.uniform key [ 10 ])
        Expect.equal (Random.permutation key 10) (Random.permutation key 10)

    [<Fact>]
    member _.``other keys give other numbers``() =
        let first, second = Key.split key

        let draws =
            [ key; first; second; Key.ofSeed 43; Key.ofSeed -42 ]
            |> List.map (fun key -> numbers (Random.uniform key [ 8 ]) |> List.ofArray)

        Assert.Equal(draws.Length, (List.distinct draws).Length)

    [<Fact>]
    member _.``split keys are independent``() =
        let keys = Key.splitMany 4 key
        let draws = keys |> List.map (fun key -> numbers (Random.normalWith DType.Float64 key [ 20_000 ]))

        for i in 0..3 do
            for j in 0 .. i - 1 do
                Assert.InRange(correlation draws[i] draws[j], -0.03, 0.03)

    [<Fact>]
    member _.``keys split again and again stay apart``() =
        let leaves = Key.splitMany 10 key |> List.collect (Key.splitMany 10) |> List.map string
        Assert.Equal(100, (List.distinct leaves).Length)

    [<Fact>]
    member _.``uniform numbers are uniform``() =
        for dtype in [ DType.Float32; DType.Float64 ] do
            let draws = numbers (Random.uniformWith dtype key [ 100_000 ])
            Assert.All(draws, (fun x -> Assert.True(x >= 0.0 && x < 1.0)))
            Assert.InRange(mean draws, 0.495, 0.505)
            Assert.InRange(variance draws, 0.0825, 0.0842)
            let tenths = draws |> Array.countBy (fun x -> int (x * 10.0)) |> Array.map snd
            Assert.Equal(10, tenths.Length)
            Assert.All(tenths, (fun count -> Assert.InRange(count, 9600, 10400)))

    [<Fact>]
    member _.``normal numbers are normal``() =
        for dtype in [ DType.Float32; DType.Float64 ] do
            let draws = numbers (Random.normalWith dtype key [ 100_000 ])
            Assert.All(draws, (fun x -> Assert.True(Double.IsFinite x)))
            Assert.InRange(mean draws, -0.012, 0.012)
            Assert.InRange(variance draws, 0.98, 1.02)
            Assert.InRange(draws |> Array.averageBy (fun x -> x ** 4.0), 2.9, 3.1)
            let inside = draws |> Array.filter (fun x -> abs x < 1.959964) |> Array.length
            Assert.InRange(inside, 94_700, 95_300)

    [<Fact>]
    member _.``bernoulli holds as often as asked``() =
        let draws = numbers (Random.bernoulli key 0.3 [ 100_000 ])
        Assert.InRange(mean draws, 0.295, 0.305)
        Assert.Equal(0.0, mean (numbers (Random.bernoulli key 0.0 [ 1000 ])))
        Assert.Equal(1.0, mean (numbers (Random.bernoulli key 1.0 [ 1000 ])))

    [<Fact>]
    member _.``integers fill their range``() =
        let draws = Random.randint key -3L 4L [ 7_000 ]
        Assert.Equal(DType.Int64, draws.DType)
        let counts = numbers draws |> Array.countBy id |> Array.sortBy fst
        Assert.Equal<float[]>([| -3.0 .. 3.0 |], Array.map fst counts)
        Assert.All(Array.map snd counts, (fun count -> Assert.InRange(count, 850, 1150)))

    [<Fact>]
    member _.``a permutation has every number once``() =
        for count in [ 0; 1; 2; 100 ] do
            let order = (Random.permutation key count).ToArray<int64>()
            Assert.Equal<int64[]>([| for i in 0 .. count - 1 -> int64 i |], Array.sort order)

        Assert.NotEqual<int64[]>([| 0L .. 99L |], (Random.permutation key 100).ToArray<int64>())

    [<Fact>]
    member _.``every order of three is equally likely``() =
        let orders = Key.splitMany 6000 key |> List.map (fun key -> (Random.permutation key 3).ToArray<int64>() |> List.ofArray)
        let counts = orders |> List.countBy id
        Assert.Equal(6, counts.Length)
        Assert.All(counts, (fun (_, count) -> Assert.InRange(count, 880, 1120)))

    [<Fact>]
    member _.``shuffling moves whole rows``() =
        let x = tensor [ for i in 0..9 -> [ float i; 10.0 * float i ] ]
        let shuffled = toJagged<float>(Random.shuffle key 0 x)
        Assert.Equal<float[][]>(toJagged<float> x, Array.sort shuffled)

    [<Fact>]
    member _.``the shape asks for the numbers, row by row``() =
        Expect.equal (Random.uniform key [ 6 ]) (Random.uniform key [ 2; 3 ] |> flatten)
        Expect.shape [ 0; 3 ] (Random.normal key [ 0; 3 ])
        Expect.shape [] (Random.normal key [])

    [<Fact>]
    member _.``a batch of keys draws what each key draws``() =
        let keys = Key.splitMany 3 key
        let bits = stack 0 [ for key in keys -> key.Bits ]
        let batched = vmap (fun bits -> Random.normal { Bits = bits } [ 4 ]) bits
        Expect.equal (stack 0 [ for key in keys -> Random.normal key [ 4 ] ]) batched

    [<Fact>]
    member _.``noise is constant to derivatives``() =
        let f x = sumAll (x * Random.normalWith DType.Float64 key [ 3 ])
        Expect.equal (Random.normalWith DType.Float64 key [ 3 ]) (grad f (tensor [ 1.0; 2.0; 3.0 ]))
