/// Digits as if written by hand, drawn by the program itself: nothing to fetch, and the same bytes on every machine.
/// (So there is no sine here, whose last bit depends on the machine, only arithmetic and square roots.)
module Digits

open System

/// Rows and columns of an image.
[<Literal>]
let Side = 28

/// One movement of the pen through points of the unit square; y points down.
type private Stroke =
    /// straight from point to point
    | Sharp of (float * float) list
    /// a smooth curve through the points; closed if the last is the first
    | Smooth of (float * float) list

/// The ways to write each digit.
let private styles: Stroke list list[] =
    [| [ [ Smooth [ 0.5, 0.0; 0.18, 0.2; 0.1, 0.55; 0.25, 0.9; 0.52, 1.0; 0.8, 0.85; 0.9, 0.48; 0.78, 0.13; 0.5, 0.0 ] ]
         [ Smooth [ 0.6, 0.04; 0.25, 0.12; 0.1, 0.5; 0.25, 0.9; 0.55, 0.99; 0.85, 0.75; 0.88, 0.3; 0.6, 0.02; 0.38, 0.1 ] ] ]
       [ [ Sharp [ 0.5, 0.0; 0.5, 1.0 ] ]
         [ Sharp [ 0.27, 0.24; 0.55, 0.0; 0.55, 1.0 ] ]
         [ Sharp [ 0.27, 0.2; 0.52, 0.0; 0.52, 1.0 ]; Sharp [ 0.22, 1.0; 0.82, 1.0 ] ] ]
       [ [ Smooth [ 0.12, 0.27; 0.28, 0.05; 0.62, 0.02; 0.83, 0.25; 0.65, 0.55; 0.1, 0.98 ]
           Sharp [ 0.1, 0.98; 0.92, 0.98 ] ]
         [ Smooth [ 0.14, 0.24; 0.42, 0.0; 0.8, 0.2; 0.64, 0.6; 0.3, 0.95; 0.1, 0.88; 0.28, 0.78; 0.6, 0.94; 0.96, 0.92 ] ] ]
       [ [ Smooth [ 0.14, 0.14; 0.48, 0.0; 0.8, 0.2; 0.66, 0.41; 0.4, 0.47 ]
           Smooth [ 0.4, 0.47; 0.74, 0.54; 0.87, 0.76; 0.5, 1.0; 0.1, 0.86 ] ]
         [ Sharp [ 0.12, 0.03; 0.82, 0.03; 0.42, 0.42 ]
           Smooth [ 0.42, 0.42; 0.8, 0.53; 0.84, 0.82; 0.5, 1.0; 0.1, 0.88 ] ] ]
       [ [ Sharp [ 0.28, 0.02; 0.12, 0.6; 0.92, 0.6 ]; Sharp [ 0.7, 0.2; 0.64, 1.0 ] ]
         [ Sharp [ 0.7, 1.0; 0.7, 0.0; 0.08, 0.68; 0.95, 0.68 ] ]
         [ Smooth [ 0.18, 0.02; 0.14, 0.42; 0.4, 0.55; 0.82, 0.42 ]; Sharp [ 0.85, 0.02; 0.74, 1.0 ] ] ]
       [ [ Sharp [ 0.86, 0.02; 0.26, 0.02; 0.2, 0.45 ]
           Smooth [ 0.2, 0.45; 0.55, 0.37; 0.87, 0.66; 0.55, 0.99; 0.1, 0.88 ] ]
         [ Smooth [ 0.86, 0.04; 0.42, 0.05; 0.24, 0.36; 0.6, 0.46; 0.86, 0.72; 0.5, 1.0; 0.12, 0.9 ] ] ]
       [ [ Smooth [ 0.74, 0.03; 0.34, 0.25; 0.12, 0.68; 0.42, 1.0; 0.82, 0.78; 0.58, 0.5; 0.16, 0.7 ] ]
         [ Smooth [ 0.45, 0.0; 0.22, 0.4; 0.15, 0.78; 0.45, 1.0; 0.84, 0.8; 0.6, 0.56; 0.2, 0.72 ] ] ]
       [ [ Sharp [ 0.1, 0.03; 0.88, 0.03; 0.4, 1.0 ] ]
         [ Sharp [ 0.1, 0.03; 0.88, 0.03; 0.42, 1.0 ]; Sharp [ 0.32, 0.5; 0.86, 0.5 ] ]
         [ Sharp [ 0.12, 0.2; 0.14, 0.06; 0.5, 0.07 ]; Smooth [ 0.5, 0.07; 0.9, 0.04; 0.62, 0.45; 0.5, 1.0 ] ] ]
       [ [ Smooth [ 0.5, 0.0; 0.2, 0.22; 0.5, 0.45; 0.8, 0.22; 0.5, 0.0 ]
           Smooth [ 0.5, 0.45; 0.13, 0.74; 0.5, 1.0; 0.87, 0.74; 0.5, 0.45 ] ]
         [ Smooth [ 0.8, 0.16; 0.5, 0.0; 0.2, 0.2; 0.5, 0.46; 0.86, 0.76; 0.5, 1.0; 0.14, 0.77; 0.5, 0.46; 0.8, 0.16 ] ] ]
       [ [ Smooth [ 0.82, 0.28; 0.5, 0.0; 0.16, 0.28; 0.48, 0.56; 0.82, 0.28 ]; Sharp [ 0.84, 0.08; 0.72, 1.0 ] ]
         [ Smooth [ 0.82, 0.26; 0.5, 0.0; 0.16, 0.28; 0.48, 0.54; 0.8, 0.3; 0.85, 0.62; 0.6, 0.96; 0.2, 0.92 ] ] ] |]

/// SplitMix64 (Steele, Lea, Flood 2014): a few lines, good enough, and the same numbers everywhere.
type private Dice(seed: int) =
    let mutable state = uint64 seed * 0xD1342543DE82EF95UL

    member private _.Bits() =
        state <- state + 0x9E3779B97F4A7C15UL
        let a = (state ^^^ (state >>> 30)) * 0xBF58476D1CE4E5B9UL
        let b = (a ^^^ (a >>> 27)) * 0x94D049BB133111EBUL
        b ^^^ (b >>> 31)

    /// evenly between two numbers
    member this.Between(low: float, high: float) = low + (high - low) * (float (this.Bits() >>> 11) / 9007199254740992.0)

    /// 0 … count − 1
    member this.Below(count: int) = int (((this.Bits() >>> 32) * uint64 count) >>> 32)

/// One writer's hand for one digit: from the unit square to pixels.
let private hand (dice: Dice) : float * float -> float * float =
    let height = dice.Between(16.0, 20.5)
    let width = height * dice.Between(0.52, 0.86)
    let slant = dice.Between(-0.12, 0.36)
    let half = dice.Between(-0.11, 0.11) // tangent of half of the angle: turns without sine and cosine

    let cosine, sine = (1.0 - half * half) / (1.0 + half * half), 2.0 * half / (1.0 + half * half)

    let left, top = 13.5 + dice.Between(-2.4, 2.4), 13.5 + dice.Between(-2.2, 2.2)

    fun (x, y) ->
        let v = (y - 0.5) * height
        let u = (x - 0.5) * width - slant * v
        left + cosine * u - sine * v, top + sine * u + cosine * v

/// Points along a smooth curve (Catmull–Rom) through the given ones.
let private curve (points: (float * float)[]) : (float * float)[] =
    let last = points.Length - 1
    let closed = points[0] = points[last]

    let at i =
        if i < 0 then points[if closed then last - 1 else 0]
        elif i > last then points[if closed then 1 else last]
        else points[i]

    let between (a: float) b c d t = b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))

    [| for i in 0 .. last - 1 do
           let (ax, ay), (bx, by), (cx, cy), (dx, dy) = at (i - 1), at i, at (i + 1), at (i + 2)

           for step in 0..5 do
               let t = float step / 6.0
               between ax bx cx dx t, between ay by cy dy t
       points[last] |]

/// A trembling copy of a stroke as the corners of a line in pixels.
let private trace (dice: Dice) (tremble: float) place stroke =
    let shaken points =
        let moved = [| for x, y in points -> place (x + dice.Between(-tremble, tremble), y + dice.Between(-tremble, tremble)) |]

        if List.head points = List.last points then moved[moved.Length - 1] <- moved[0]

        moved

    match stroke with
    | Sharp points -> shaken points
    | Smooth points -> curve (shaken points)

/// Lowers the squared distances of the pixels near a segment to their distance from it.
let private approach (distances: float[]) (reach: float) (ax: float, ay: float) (bx: float, by: float) =
    let first a b = max 0 (int (ceil (min a b - reach)))

    let last a b = min (Side - 1) (int (floor (max a b + reach)))

    let dx, dy = bx - ax, by - ay
    let squared = dx * dx + dy * dy

    for row in first ay by .. last ay by do
        for column in first ax bx .. last ax bx do
            let x, y = float column - ax, float row - ay

            let along = if squared = 0.0 then 0.0 else min 1.0 (max 0.0 ((x * dx + y * dy) / squared))

            let u, v = x - along * dx, y - along * dy
            let pixel = row * Side + column
            distances[pixel] <- min distances[pixel] (u * u + v * v)

/// Ink where the pen was, fading over the width of a pixel, with grain over everything.
let private ink (dice: Dice) (distances: float[]) (radius: float) (image: Span<byte>) =
    let strength = dice.Between(170.0, 255.0)
    let grain = dice.Between(4.0, 46.0)
    let edge = dice.Between(0.7, 1.3)

    for pixel in 0 .. distances.Length - 1 do
        let cover = min 1.0 (max 0.0 (0.5 + (radius - sqrt distances[pixel]) / edge))
        let noise = grain * (dice.Between(-1.0, 1.0) + dice.Between(-1.0, 1.0))
        image[pixel] <- byte (min 255.0 (max 0.0 (strength * cover + noise)))

let private drawOne (dice: Dice) (distances: float[]) (digit: int) (image: Span<byte>) =
    let place = hand dice
    let radius = dice.Between(0.7, 1.75)
    let tremble = dice.Between(0.015, 0.06)
    let style = styles[digit][dice.Below styles[digit].Length]
    Array.Fill(distances, 1e6)

    for stroke in style do
        for a, b in trace dice tremble place stroke |> Array.pairwise do
            approach distances (radius + 2.0) a b

    ink dice distances radius image

/// Grey images, 28 × 28 bytes each, row by row, 0 for paper and 255 for ink; and for each its digit, 0 to 9.
/// The first images are the same whatever the count.
let draw (seed: int) (count: int) : byte[] * byte[] =
    let dice = Dice seed
    let distances = Array.zeroCreate (Side * Side)
    let images = Array.zeroCreate (count * Side * Side)
    let labels = Array.zeroCreate count

    for i in 0 .. count - 1 do
        let digit = dice.Below 10
        labels[i] <- byte digit
        drawOne dice distances digit (images.AsSpan(i * Side * Side, Side * Side))

    images, labels
