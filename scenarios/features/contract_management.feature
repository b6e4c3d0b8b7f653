Feature: Contract Management
  Stakeholders: service providers, resource providers, facilitators
  Environment: testnet
  Development: in progress

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | nunet |
      | Bob     | CP   | true      | nunet |
      | Charlie | CH   | false     | nunet |
      | Eve     | CP   | true      | nunet |
      | Vera    | PV   | false     | nunet |
      | Olga    | SP   | false     | nunet |

  Scenario: Create a contract
    Given "Alice" requests a contract with "Bob" through "Charlie"
    When "Bob" accepts the contract
    Then a contract is created between "Alice" and "Bob" through "Charlie"
    And contract listings for "Alice" and "Bob" should reflect the contract
    When "Alice" creates an unrelated contract with "Eve" through "Charlie"
    Then "Bob" should not see unrelated contracts
    And "Charlie" should see contracts for "Bob" and "Eve"

  Scenario: Make deployment with contract
    Given "Alice" has an active contract with "Bob" created through "Charlie"
    When "Alice" deploys a task on "Bob" with their contract
    Then "Alice" contract should be active
    And "Alice" deployment is completed

  Scenario: Make deployment without signed contract
    Given "Alice" requests a contract with "Bob" through "Charlie"
    And "Bob" does not accept the contract
    When "Alice" deploys a task on "Bob" with their contract
    Then "Alice" deployment should fail

  Scenario: Mark contract as completed
    Given "Alice" has an active contract with "Bob" created through "Charlie"
    When "Alice" marks contract as completed
    Then "Bob" should see contract as completed

  Scenario: Terminate a contract
    Given "Alice" has an active contract with "Bob" created through "Charlie"
    When "Alice" requests to terminate the contract
    Then "Bob" should see contract as terminated

  Scenario: Create a contract with detailed resource requirements, payment terms, participant information, and custom terms
    Given the scenario:
      """
      contracts:
        - {name: detailed, requestor: alice, provider: bob, host: charlie, validator: vera, for: 30d,
           resources: {cpu: 4, ram: 8 GiB, disk: 100 GiB, gpus: 1},
           model: pay_per_allocation, fee: 12.5, currency: NTX, blockchain: cardano,
           termination: refused, terms: nothing runs on Sundays}
      """
    Then the contract "detailed" should say:
      | requestor   | Alice                   |
      | provider    | Bob                     |
      | host        | Charlie                 |
      | validator   | Vera                    |
      | cpu         | 4                       |
      | ram         | 8 GiB                   |
      | disk        | 100 GiB                 |
      | gpus        | 1                       |
      | model       | pay_per_allocation      |
      | fee         | 12.5                    |
      | currency    | NTX                     |
      | blockchain  | CARDANO                 |
      | duration    | 720h                    |
      | termination | refused                 |
      | terms       | nothing runs on Sundays |
    And the contract "detailed" should be draft
    When "Bob" approves the contract "detailed"
    Then the contract "detailed" should be accepted
    And "Alice" should see 0 incoming and 1 outgoing contract
    And "Bob" should see 1 incoming and 0 outgoing contracts
    And "Eve" should see 0 incoming and 0 outgoing contracts
    When "Alice" tries to terminate the contract "detailed"
    Then "Alice" should be refused with "not allowed to be terminated"
    And the contract "detailed" should be accepted

  @C3
  Scenario: Digitally sign the contract by all relevant parties
    Given the scenario:
      """
      contracts:
        - {name: signed, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: pay_per_allocation, fee: 10}
      """
    Then the contract "signed" should be signed by "Alice"
    And the contract "signed" should be draft
    And deployments may not rely on the contract "signed"
    When "Alice" tries to sign the contract "signed" for the other party
    Then "Alice" should be refused with "signature"
    When "Eve" tries to approve the contract "signed"
    Then "Eve" should be refused with "not found"
    And the contract "signed" should be signed by "Alice"
    When "Bob" approves the contract "signed"
    Then the contract "signed" should be signed by "Alice, Bob"
    And the contract "signed" should be accepted
    And deployments may rely on the contract "signed"
    When "Bob" tries to approve the contract "signed"
    Then "Bob" should be refused with "already signed"

  Scenario: Execute a deployment to analyze the contract's state transitions through to termination
    Given the scenario:
      """
      contracts:
        - {name: followed, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: pay_per_allocation, fee: 10}
      """
    And the contract "followed" should be draft
    When "Bob" approves the contract "followed"
    Then the contract "followed" should have gone through "DRAFT, ACCEPTED"
    When "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "followed"
    Then "Alice" deployment is completed
    And the contract "followed" should have gone through "DRAFT, ACCEPTED"
    And deployments may rely on the contract "followed"
    When "Alice" terminates the contract "followed"
    Then the contract "followed" should be terminated
    And the contract "followed" should have gone through "DRAFT, ACCEPTED, TERMINATED"
    And deployments may not rely on the contract "followed"
    When "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "followed"
    Then "Alice" deployment should not succeed on "Bob"

  @C7
  Scenario: Execute a deployment to analyze the contract's state transitions, of which none follows the end
    Given the scenario:
      """
      contracts:
        - {name: ended, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: pay_per_allocation, fee: 10}
      """
    When "Bob" approves the contract "ended"
    And "Alice" completes the contract "ended"
    Then the contract "ended" should be completed
    When "Bob" tries to terminate the contract "ended"
    Then "Bob" should be refused with "a contract that is COMPLETED cannot take TERMINATE"
    When "Alice" settles the contract "ended"
    Then the contract "ended" should have gone through "DRAFT, ACCEPTED, COMPLETED, SETTLED"

  Scenario: Execute a deployment under a contract until its end date
    Given the scenario:
      """
      contracts:
        - {name: short, requestor: alice, provider: bob, host: charlie, validator: vera, for: 10m,
           model: pay_per_allocation, fee: 10}
      """
    When "Bob" approves the contract "short"
    And "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "short"
    Then "Alice" deployment is completed
    And the contract "short" should be accepted
    When 15 minutes pass
    Then the contract "short" should be completed
    And deployments may not rely on the contract "short"

  @C3
  Scenario: Recover contract data in the event of a system failure or restart
    Given the scenario:
      """
      contracts:
        - {name: kept, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: pay_per_allocation, fee: 10, period: minute, periods: 10}
      """
    When "Bob" approves the contract "kept"
    And "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "kept"
    Then "Alice" deployment is completed
    When 20 seconds pass
    And "Charlie" restarts DMS
    Then the contract "kept" should be accepted
    And the contract "kept" should be signed by "Alice, Bob"
    And deployments may rely on the contract "kept"
    When "Bob" restarts DMS
    And "Alice" restarts DMS
    Then "Bob" should see 1 incoming and 0 outgoing contracts
    And "Alice" should see 0 incoming and 1 outgoing contract
    When 20 seconds pass
    And "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "kept"
    Then "Alice" deployment is completed
    When "Vera" restarts DMS
    And 12 minutes pass
    Then the contract "kept" should be billed "20" in 1 invoice
    When "Vera" restarts DMS
    And "Alice" pays the contract "kept"
    Then "Bob" should have received "20" under the contract "kept"

  Scenario: Pay what a contract asks for
    Given the scenario:
      """
      contracts:
        - {name: paid, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: pay_per_allocation, fee: 10, period: minute, periods: 10}
      """
    When "Bob" approves the contract "paid"
    And "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "paid"
    Then "Alice" deployment is completed
    And "Alice" should owe "0" under the contract "paid"
    When 12 minutes pass
    Then the contract "paid" should be billed "10" in 1 invoice
    And "Alice" should owe "10" under the contract "paid"
    And "Alice" should see the contract "paid" as unpaid
    And "Bob" should see the contract "paid" as unpaid
    When "Alice" claims to have paid the contract "paid"
    Then "Alice" should be refused with "not verified"
    And "Alice" should owe "10" under the contract "paid"
    When "Alice" pays the contract "paid"
    Then "Alice" should owe "0" under the contract "paid"
    And "Alice" should have paid "10" under the contract "paid"
    And "Bob" should have received "10" under the contract "paid"
    And "Alice" should see the contract "paid" as paid
    And "Bob" should see the contract "paid" as paid
    When "Alice" settles the contract "paid"
    Then the contract "paid" should be settled

  Scenario Outline: Bill by what was used
    Given the scenario:
      """
      contracts:
        - {name: used, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: <model>, fee: <fee>, period: minute, periods: 10,
           orchestration_fee: {fixed: <fixed>, percentage: <percentage>}}
      """
    When "Bob" approves the contract "used"
    And "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "used"
    Then "Alice" deployment is completed
    When "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "used"
    Then "Alice" deployment is completed
    When 12 minutes pass
    Then the contract "used" should be billed "<amount>" in 1 invoice
    When 10 minutes pass
    Then the contract "used" should be billed "<amount>" in 1 invoice

    Examples: two tasks of one deployment each
      | model              | fee  | fixed | percentage | amount   |
      | pay_per_allocation | 2.25 | 0     | 0          | 4.5      |
      | pay_per_allocation | 10   | 0.05  | 2.5        | 20.55    |
      | pay_per_deployment | 2.5  | 0     | 0          | 5        |
      | pay_per_deployment | 0.1  | 0     | 0.123456   | 0.20024691 |

  Scenario Outline: Bill by the time that has passed
    Given the scenario:
      """
      contracts:
        - {name: rental, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: fixed_rental, fee: <fee>, period: minute, periods: <minutes>}
      """
    When "Bob" approves the contract "rental"
    And 9 minutes pass
    Then the contract "rental" should be billed "0" in 0 invoices
    When 28 minutes pass
    Then the contract "rental" should be billed "<amount>" in <count> invoices
    And "Alice" should owe "<amount>" under the contract "rental"

    Examples: whole cycles, whatever runs
      | minutes | fee  | amount | count |
      | 10      | 5    | 15     | 3     |
      | 12      | 0.75 | 2.25   | 3     |

  @C11
  Scenario Outline: Bill by the time that has passed until the end
    Given the scenario:
      """
      contracts:
        - {name: rental, requestor: alice, provider: bob, host: charlie, validator: vera, for: <lasts>,
           model: fixed_rental, fee: <fee>, period: minute, periods: 10}
      """
    When "Bob" approves the contract "rental"
    And 40 minutes pass
    Then the contract "rental" should be completed
    And the contract "rental" should be billed "<amount>" in 3 invoices

    Examples: with a part of a cycle
      | lasts  | fee | amount |
      | 25m    | 5   | 12.5   |
      | 24m36s | 1   | 2.46   |

  Scenario: Bill nothing under a contract that nobody has signed
    Given the scenario:
      """
      contracts:
        - {name: unsigned, requestor: alice, provider: bob, host: charlie, validator: vera, for: 1d,
           model: fixed_rental, fee: 5, period: minute, periods: 10}
      """
    When 25 minutes pass
    Then the contract "unsigned" should be draft
    And the contract "unsigned" should be billed "0" in 0 invoices

  Scenario: Chain contracts through an organization
    Given the scenario:
      """
      contracts:
        - {name: head, requestor: alice, provider: olga, host: charlie, validator: vera, for: 1d, role: head,
           model: pay_per_allocation, fee: 10, period: minute, periods: 10}
        - {name: to-bob, requestor: olga, provider: bob, host: charlie, validator: vera, for: 1d, role: tail,
           model: pay_per_allocation, fee: 6, period: minute, periods: 10}
        - {name: to-eve, requestor: olga, provider: eve, host: charlie, validator: vera, for: 1d, role: tail,
           model: pay_per_allocation, fee: 7.25, period: minute, periods: 10}
      """
    When "Olga" approves the contract "head"
    And "Bob" approves the contract "to-bob"
    And "Alice" deploys "docker_hello.yaml" on "Eve" under the contract "head"
    Then "Alice" deployment should not succeed on "Eve"
    When "Eve" approves the contract "to-eve"
    And "Alice" deploys "docker_hello.yaml" on "Bob" under the contract "head"
    Then "Alice" deployment is completed
    When "Alice" deploys "docker_hello.yaml" on "Eve" under the contract "head"
    Then "Alice" deployment is completed
    When "Alice" deploys "docker_hello.yaml" on "Eve" under the contract "head"
    Then "Alice" deployment is completed
    When 12 minutes pass
    Then the contract "head" should be billed "30" in 1 invoice
    And the contract "to-bob" should be billed "6" in 1 invoice
    And the contract "to-eve" should be billed "14.5" in 1 invoice
    And "Alice" should owe "30" under the contract "head"
    And "Olga" should owe "6" under the contract "to-bob"
    And "Olga" should owe "14.5" under the contract "to-eve"
    When "Olga" pays the contract "to-eve"
    Then "Eve" should have received "14.5" under the contract "to-eve"
    And "Olga" should owe "6" under the contract "to-bob"
    When "Alice" pays the contract "head"
    Then "Olga" should have received "30" under the contract "head"
