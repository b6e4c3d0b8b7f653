Feature: Deployment Launch
  Stakeholders: service providers, resource providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |
      | Carol | CP   | true      | nunet |

  Scenario: Launch a deployment on a selected peer
    When "Alice" deploys "nginx.yaml" on "Carol"
    Then "Alice" deployment is running
    And "Alice" deployment should be running on "Carol"
    And "Alice" deployment should not be running on "Bob"
    And "Alice" deployment should be reachable from "Alice"

  @open
  Scenario: Launch a deployment on any available peer in the network
    When "Alice" deploys "nginx.yaml"
    Then "Alice" deployment is running
    And "Alice" deployment should run on 1 peer
    And "Alice" deployment should be reachable from "Alice"

  Scenario: Launch multiple deployments communicating on different peers
    When "Alice" deploys "nginx.yaml" on "Bob" as "first"
    And "Alice" deploys "nginx.yaml" on "Carol" as "second"
    Then "first" and "second" deployments should run on different peers
    And "first" deployment should reach "second" deployment
    And "second" deployment should reach "first" deployment

  Scenario: Launch multiple deployments communicating on the same peer
    When "Alice" deploys "nginx_any_port.yaml" on "Bob" as "first"
    And "Alice" deploys "nginx_any_port.yaml" on "Bob" as "second"
    Then "first" and "second" deployments should run on the same peer
    And "first" deployment should reach "second" deployment
    And "second" deployment should reach "first" deployment

  Scenario: Launch multiple deployments on different peers
    When "Alice" deploys "nginx.yaml" on "Bob" as "first"
    And "Alice" deploys "nginx.yaml" on "Carol" as "second"
    Then "first" deployment is running
    And "second" deployment is running
    And "first" and "second" deployments should run on different peers
    And "first" deployment should be running on "Bob"
    And "second" deployment should be running on "Carol"

  Scenario: Launch multiple deployments on the same peer
    When "Alice" deploys "nginx_any_port.yaml" on "Bob" as "first"
    And "Alice" deploys "nginx_any_port.yaml" on "Bob" as "second"
    Then "first" deployment is running
    And "second" deployment is running
    And "first" and "second" deployments should run on the same peer
    And "Carol" should hold nothing
